"""Continue where you left off: the cart, then what was looked at lately and not bought."""

from collections.abc import Iterator

from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

WITHIN_DAYS = 30.0
MOST = 30


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where there is anything to go on with."""
    visit = scene.visit
    bought = visit.profile.standing("purchase", "return")
    viewed = [
        item_id
        for item_id, did in visit.profile.items_of("view", "click", "cart").items()
        if visit.days_since(did.at_s) <= WITHIN_DAYS
    ]
    wanted = (each for each in (*visit.profile.cart_item_ids, *viewed) if each not in bought and scene.index.get(each))
    items = tuple(each for each in first(wanted, MOST) if each not in visit.profile.hidden_item_ids)
    if items:
        in_cart = tuple(each for each in visit.profile.cart_item_ids if each in items)
        kind = "cart" if in_cart else "viewed_item"
        yield Suggestion(Evidence(kind, item_ids=in_cart or items), Pool(GIVEN, given=items))
