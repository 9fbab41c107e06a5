"""New arrivals: what came into the shop lately."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion

WITHIN_DAYS = 60


def propose(scene: Scene) -> Iterator[Suggestion]:
    """Always one shelf; it stays away by itself where nothing is new."""
    yield Suggestion(Evidence("recently_added"), Pool("new", maximum_age_days=WITHIN_DAYS), more_link="/new")
