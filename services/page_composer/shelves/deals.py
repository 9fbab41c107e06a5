"""Deals: what is reduced now."""

from collections.abc import Iterator

from services.page_composer.pools import CATALOGUE, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion


def propose(scene: Scene) -> Iterator[Suggestion]:
    """Always one shelf; it stays away by itself where nothing is reduced."""
    yield Suggestion(Evidence("reduced_price"), Pool(CATALOGUE, reduced_only=True), more_link="/deals")
