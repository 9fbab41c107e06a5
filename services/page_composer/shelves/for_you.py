"""For you: what fits the visitor's taste as a whole."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import INTEREST, first


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for a known visitor who did anything with an item."""
    acted = scene.visit.profile.items_of(*INTEREST)
    shared = tuple(first((each for each in acted if scene.index.get(each)), 5))
    if shared:
        yield Suggestion(Evidence("profile", item_ids=shared), Pool("two_tower"))
