"""Popular: what most people like, whoever visits."""

from collections.abc import Iterator

from services.page_composer.pools import CATALOGUE, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion


def propose(scene: Scene) -> Iterator[Suggestion]:
    """Always one shelf: the catalogue by popularity."""
    yield Suggestion(Evidence("popularity"), Pool(CATALOGUE))
