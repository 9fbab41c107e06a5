"""Complete the look: what the shop links to something in the cart or just bought, else what suits it elsewhere."""

from collections.abc import Iterator

from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import ItemIndex
from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

CATEGORIES_AT_MOST = 20
LINKED_AT_LEAST = 6


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for the newest item in the cart, favourite or purchase; on an item page for its own item."""
    visit = scene.visit
    acted = visit.profile.items_of("cart", "purchase", "favourite")
    wanted = (visit.focus_item_id, *visit.profile.cart_item_ids, *acted)
    for item_id in first((each for each in wanted if scene.index.get(each)), 1):
        facts = scene.index.get(item_id)
        pool = _pool(facts, scene.index) if facts else None
        if pool is not None:
            at_s = acted[item_id].at_s if item_id in acted else 0.0
            yield Suggestion(Evidence("goes_with_item", item_ids=(item_id,), at_s=at_s), pool)


def _pool(facts: ItemFacts, index: ItemIndex) -> Pool | None:
    """What the shop links to the item, where enough to fill a shelf is in stock; else what other categories have."""
    linked = tuple(each for each in facts.goes_with if (other := index.get(each)) and other.stock != 0)
    if len(linked) >= LINKED_AT_LEAST:
        return Pool(GIVEN, given=linked, excluded=(facts.item_id,))
    others = _other_categories(facts, index)
    if not others:
        return None
    return Pool("knowledge_graph", seeds=(facts.item_id,), excluded=(facts.item_id,), categories=others)


def _other_categories(facts: ItemFacts, index: ItemIndex) -> tuple[str, ...]:
    """Categories beside the item's own, first those of its department."""
    department = facts.category.partition("/")[0]
    others = [each for each in index.categories if each and each != facts.category]
    others.sort(key=lambda each: (each.partition("/")[0] != department, each))
    return tuple(others[:CATEGORIES_AT_MOST])
