"""Complete the look: from other categories, what goes with something in the cart or just bought."""

from collections.abc import Iterator

from services.page_composer.item_index import ItemFacts, ItemIndex
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

CATEGORIES_AT_MOST = 20


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for the newest item in the cart, favourite or purchase; on an item page for its own item."""
    visit = scene.visit
    acted = visit.profile.items_of("cart", "purchase", "favourite")
    wanted = (visit.focus_item_id, *visit.profile.cart_item_ids, *acted)
    for item_id in first((each for each in wanted if scene.index.get(each)), 1):
        facts = scene.index.get(item_id)
        others = _other_categories(facts, scene.index) if facts else ()
        if others:
            at_s = acted[item_id].at_s if item_id in acted else 0.0
            yield Suggestion(
                evidence=Evidence("goes_with_item", item_ids=(item_id,), at_s=at_s),
                pool=Pool("knowledge_graph", seeds=(item_id,), excluded=(item_id,), categories=others),
            )


def _other_categories(facts: ItemFacts, index: ItemIndex) -> tuple[str, ...]:
    """Categories beside the item's own, first those of its department."""
    department = facts.category.partition("/")[0]
    others = [each for each in index.categories if each and each != facts.category]
    others.sort(key=lambda each: (each.partition("/")[0] != department, each))
    return tuple(others[:CATEGORIES_AT_MOST])
