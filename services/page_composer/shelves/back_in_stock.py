"""Back in stock: what was sold out and can be bought again, first what the visitor cares about."""

from collections.abc import Iterator

from services.page_composer.interest import by_interest
from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import DAY_S

WITHIN_DAYS = 21


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where something came back within three weeks."""
    came_back = scene.index.recent("restocked_s", scene.visit.at_s - WITHIN_DAYS * DAY_S)
    items = by_interest(scene, came_back, scene.index.restocked_s)
    if items:
        yield Suggestion(Evidence("restocked", item_ids=items[:5]), Pool(GIVEN, given=items))
