"""Buy again: what the visitor bought before and can buy again."""

from collections.abc import Iterator

from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

MOST = 30


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where there is an earlier purchase that was not returned."""
    bought = scene.visit.profile.standing("purchase", "return")
    items = tuple(first((each for each in bought if scene.index.get(each)), MOST))
    if items:
        yield Suggestion(Evidence("purchased_item", item_ids=items), Pool(GIVEN, given=items))
