"""People like you: what visitors with the same taste turn to."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import INTEREST, first


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for a known visitor; the evidence is what they share with those people."""
    acted = scene.visit.profile.items_of(*INTEREST)
    shared = tuple(first((each for each in acted if scene.index.get(each)), 5))
    if shared:
        yield Suggestion(Evidence("similar_users", item_ids=shared), Pool("user_cf"))
