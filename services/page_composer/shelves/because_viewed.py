"""Because you viewed X: what others turn to after X."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

SHELVES_A_PAGE = 2


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the last two items the visitor opened; on an item page its own item speaks first."""
    viewed = scene.visit.profile.items_of("view", "click")
    known = (item_id for item_id in (scene.visit.focus_item_id, *viewed) if scene.index.get(item_id))
    for item_id in first(known, SHELVES_A_PAGE):
        at_s = viewed[item_id].at_s if item_id in viewed else scene.visit.at_s
        yield Suggestion(
            evidence=Evidence("viewed_item", item_ids=(item_id,), at_s=at_s),
            pool=Pool("item_cf", seeds=(item_id,), excluded=(item_id,)),
        )
