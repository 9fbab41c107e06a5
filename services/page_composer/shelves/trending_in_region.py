"""Trending in region R: what people there buy now."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where the region is known; the source "popular" counts by the visit's region."""
    if scene.visit.region:
        yield Suggestion(Evidence("region_trend", values=(scene.visit.region,)), Pool("popular"))
