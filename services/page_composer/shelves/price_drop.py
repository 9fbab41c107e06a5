"""Price drop: what became cheaper, first what the visitor cares about."""

from collections.abc import Iterator

from services.page_composer.interest import by_interest
from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import DAY_S

WITHIN_DAYS = 21


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where a price fell within three weeks."""
    fell = scene.index.recent("price_dropped_s", scene.visit.at_s - WITHIN_DAYS * DAY_S)
    items = by_interest(scene, fell, scene.index.price_dropped_s)
    if items:
        yield Suggestion(Evidence("price_dropped", item_ids=items[:5]), Pool(GIVEN, given=items))
