"""Similar looks to X: items whose pictures resemble X's."""

from collections.abc import Iterator

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

SHELVES_A_PAGE = 2


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the last two items with a picture that the visitor turned to; an item page's own comes
    first.
    """
    liked = scene.visit.profile.items_of("favourite", "like", "cart", "view", "click")
    pictured = (each for each in (scene.visit.focus_item_id, *liked) if _has_picture(each, scene))
    for item_id in first(pictured, SHELVES_A_PAGE):
        at_s = liked[item_id].at_s if item_id in liked else scene.visit.at_s
        yield Suggestion(
            evidence=Evidence("viewed_item", item_ids=(item_id,), at_s=at_s),
            pool=Pool("visual", seeds=(item_id,), excluded=(item_id,)),
        )


def _has_picture(item_id: str, scene: Scene) -> bool:
    facts = scene.index.get(item_id)
    return facts is not None and facts.image_count > 0
