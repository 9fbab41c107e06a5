"""Merges the rows of a product's variants into the product: one item a product."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.importing.columns import pairs_of, value_at
from lab.importing.items import MOST_IMAGES, Record
from lab.importing.mapping import ChildList, VariantRules

Fill = Callable[[str], None]


def children_of(row: Mapping[str, Any], children: ChildList) -> list[str]:
    """Return the ids of the variants that a product row names; empty for other rows."""
    listed = value_at(dict(row), children.column)
    if not listed:
        return []
    entries = listed if isinstance(listed, list) else str(listed).split(children.split)
    ids = []
    for entry in entries:
        found = entry if isinstance(entry, dict) else _pairs(str(entry), children)
        if found.get(children.id):
            ids.append(str(found[children.id]))
    return list(dict.fromkeys(ids))


def _pairs(entry: str, children: ChildList) -> dict[str, str]:
    if not children.pairs:
        return {children.id: entry.strip()}
    return pairs_of(entry, children.pairs, "=")


def merge_variants(product: Record, variants: Sequence[Record], rules: VariantRules, on_fill: Fill) -> Record:
    """Return the product with what its variants know; the product's own words and category stay.

    Variants are taken in the order given. Without variants the product is returned as it is.
    """
    if not variants:
        return product
    merged = dict(product)
    _merge_price(merged, variants, rules, on_fill)
    _merge_stock(merged, variants, rules, on_fill)
    attributes = dict(product["attributes"])
    for name, collected in rules.collect.items():
        values = dict.fromkeys(each["attributes"][name] for each in variants if name in each["attributes"])
        if values:
            attributes[collected] = _joined(list(values))
    leading = _leading(product, variants)
    attributes |= {name: leading["attributes"][name] for name in rules.lead if name in leading["attributes"]}
    merged["attributes"] = attributes
    merged["images"] = _images(product, variants)
    return merged


def _merge_price(merged: Record, variants: Sequence[Record], rules: VariantRules, on_fill: Fill) -> None:
    priced = [each for each in variants if each.get("price_minor")]
    if rules.price == "minimum" and priced:
        cheapest = min(priced, key=lambda each: int(each["price_minor"]))
        if not merged.get("price_minor"):
            on_fill("price: the lowest of the product's variants")
        merged |= {"price_minor": cheapest["price_minor"], "currency": cheapest["currency"]}
        merged.pop("list_price_minor", None)
        if "list_price_minor" in cheapest:
            merged["list_price_minor"] = cheapest["list_price_minor"]


def _merge_stock(merged: Record, variants: Sequence[Record], rules: VariantRules, on_fill: Fill) -> None:
    if rules.stock == "own":
        return
    if all("stock" in each for each in variants):
        on_fill("stock: the sum of the product's variants")
        merged["stock"] = sum(int(each["stock"]) for each in variants)
    else:
        merged.pop("stock", None)


def _leading(product: Record, variants: Sequence[Record]) -> Record:
    main = product["images"][:1]
    return next((each for each in variants if main and each["images"][:1] == main), variants[0])


def _images(product: Record, variants: Sequence[Record]) -> list[str]:
    """The product's own pictures, then one of every variant that looks different, as many as an item may have."""
    mains = [each["images"][0] for each in variants if each["images"]]
    return list(dict.fromkeys([*product["images"], *mains]))[:MOST_IMAGES]


def _joined(values: list[str]) -> str:
    text = ", ".join(values)
    while len(text) > 256:
        values = values[:-1]
        text = ", ".join(values)
    return text
