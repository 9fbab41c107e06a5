"""The release's vocabulary and price bands from the catalogue: row k of the release is item k of the data."""

from collections.abc import Sequence

import numpy as np

from lab.training.shop_data import ShopData
from services.ranker.price_bands import PriceBands
from services.ranker.vocabulary import Vocabulary
from vitrine.item_vision.v1 import item_vision_pb2


def fit_price_bands(data: ShopData) -> PriceBands:
    """Bands of the catalogue's prices, with the prepared edges."""
    return PriceBands(data.price_edges_minor)


def build_vocabulary(data: ShopData, bands: PriceBands) -> Vocabulary:
    """What cannot change within a release, for every item."""
    return Vocabulary(
        item_ids=data.item_ids,
        family_ids=[item.family_id for item in data.items],
        brands=[item.brand for item in data.items],
        categories=[item.category for item in data.items],
        colours=[item.colour for item in data.items],
        price_bands=[bands.band(item.price.amount_minor, item.category) for item in data.items],
    )


def item_of_variant(items: Sequence[item_vision_pb2.ItemFacts]) -> dict[str, str]:
    """Variant → the item whose variant it is. An item's own id is no variant; of several items the first has it."""
    own = {item.item_id for item in items}
    found: dict[str, str] = {}
    for item in items:
        for variant_id in item.variant_ids:
            if variant_id not in own:
                found.setdefault(variant_id, item.item_id)
    return found


def attributes_of(data: ShopData, least_items: int = 20) -> dict[str, list[str | None]]:
    """Attribute → each item's value: category, colour, and whatever else the shop says of enough items."""
    names = {name for item in data.items for name in item.attributes}
    columns: dict[str, list[str | None]] = {
        "category": [item.category or None for item in data.items],
        "colour": [item.colour or None for item in data.items],
    }
    for name in sorted(names - set(columns)):
        values = [item.attributes.get(name) for item in data.items]
        if np.count_nonzero([value is not None for value in values]) >= least_items:
            columns[name] = values
    return columns
