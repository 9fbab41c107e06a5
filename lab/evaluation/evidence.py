"""Whether what a page says about its reasons is true."""

from collections.abc import Mapping

from lab.evaluation.deeds import Deeds
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

DEED_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "viewed_item": ("view", "click", "cart", "favourite", "purchase", "like", "share", "rate", "review", "comment"),
    "cart": ("cart",),
    "favourite": ("favourite",),
    "purchased_item": ("purchase",),
    "goes_with_item": ("cart", "purchase", "favourite"),
    "profile": ("view", "click", "cart", "favourite", "purchase", "like", "share", "rate", "review", "comment"),
}
"""Evidence about items that the user did something to → the deeds that make it true."""

Facts = Mapping[str, item_vision_pb2.ItemFacts]


def untrue(section: pb.Section, deeds: Deeds, facts: Facts, region: str) -> str:
    """What is not true of a section's evidence; empty when all of it is."""
    evidence = section.evidence
    if evidence.kind in DEED_OF_KIND:
        done = deeds.any_of(*DEED_OF_KIND[evidence.kind])
        strange = [item_id for item_id in evidence.item_ids if item_id not in done]
        return f"{evidence.kind}: the user did nothing to {strange[:3]}" if strange else ""
    if evidence.kind == "search":
        strange = [query for query in evidence.values if query not in deeds.queries]
        return f"search: never searched for {strange}" if strange else ""
    if evidence.kind == "brand_affinity":
        return _liked(section, deeds, facts, "brand")
    if evidence.kind == "category_affinity":
        return _liked(section, deeds, facts, "category")
    if evidence.kind == "region_trend":
        return "" if list(evidence.values) == [region] else f"region_trend: {list(evidence.values)} is not {region}"
    return _about_items(section, facts)


def _about_items(section: pb.Section, facts: Facts) -> str:
    """Evidence that speaks of the items shown."""
    shown = [facts[slot.item_id] for slot in section.slots if slot.item_id in facts]
    kind = section.evidence.kind
    if kind == "reduced_price":
        wrong = [item.item_id for item in shown if not item.HasField("list_price")]
    elif kind == "price_dropped":
        wrong = [item.item_id for item in shown if not item.HasField("price_dropped_at")]
    elif kind == "restocked":
        wrong = [item.item_id for item in shown if not item.HasField("restocked_at")]
    elif kind == "category_popularity":
        wrong = [item.item_id for item in shown if not _within(item.category, list(section.evidence.values))]
    else:
        wrong = []
    return f"{kind}: not true of {wrong[:3]}" if wrong else ""


def _liked(section: pb.Section, deeds: Deeds, facts: Facts, facet: str) -> str:
    """An affinity is true when the user acted on some item of that value."""
    done = deeds.any_of(*deeds.items)
    values = {getattr(facts[item_id], facet) for item_id in done if item_id in facts}
    strange = [value for value in section.evidence.values if value not in values]
    return f"{facet}_affinity: the user did nothing with {strange}" if strange else ""


def _within(category: str, values: list[str]) -> bool:
    return any(category == value or category.startswith(value + "/") for value in values)
