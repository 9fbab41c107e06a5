"""What a page is made of when everything else is down: the most popular items of each region, ready to show."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.training.shop_data import ShopData
from services.ranker.model.normalisation import country

ITEMS_A_SEGMENT = 200
LEAST_EVENTS = 200
"""A region with fewer events has no list of its own."""


def static_page(
    data: ShopData, popularity: NDArray[np.float32], clusters: NDArray[np.int64], p_click: NDArray[np.float32]
) -> dict[str, Any]:
    """What `page/fallback.json` holds; see docs/plan.md for its form.

    Args:
        data: the shop.
        popularity: `[items]` weighted actions of the last 30 days.
        clusters: `[items]` near-duplicate cluster, 0 for none.
        p_click: `[items]` P(click | examined) that popularity alone stands for.

    """
    lists = {"all": _best(data, popularity)}
    for region, counts in _by_region(data).items():
        lists[f"region:{region}"] = _best(data, counts + 1e-3 * popularity)
    shown = sorted({number for numbers in lists.values() for number in numbers})
    position = {number: index for index, number in enumerate(shown)}
    return {
        "items": [_display(data, number, int(clusters[number]), float(p_click[number])) for number in shown],
        "segments": {name: [position[number] for number in numbers] for name, numbers in lists.items()},
    }


def _best(data: ShopData, counts: NDArray[np.float32]) -> list[int]:
    """Item numbers by popularity: with a title and a price, in stock when it was taken, one of each family."""
    chosen: dict[str, int] = {}
    for number in np.argsort(-counts, kind="stable").tolist():
        item = data.items[number]
        sold_out = item.HasField("stock") and item.stock <= 0
        if item.titles and item.price.amount_minor > 0 and not sold_out:
            chosen.setdefault(item.family_id, number)
        if len(chosen) == ITEMS_A_SEGMENT:
            break
    return list(chosen.values())


def _by_region(data: ShopData) -> Mapping[str, NDArray[np.float32]]:
    events = data.events
    regions = np.array([country(region) for region in events.region], np.str_)
    counted = events.item >= 0
    found: dict[str, NDArray[np.float32]] = {}
    for region in sorted(set(regions.tolist()) - {""}):
        here = counted & (regions == region)
        if here.sum() >= LEAST_EVENTS:
            found[region] = np.bincount(events.item[here], minlength=len(data.items)).astype(np.float32)
    return found


def _display(data: ShopData, number: int, cluster: int, p_click: float) -> dict[str, Any]:
    item = data.items[number]
    return {
        "item_id": item.item_id,
        "family_id": item.family_id,
        "near_duplicate_cluster": cluster,
        "titles": dict(item.titles),
        "link": item.link,
        "price_minor": item.price.amount_minor,
        "list_price_minor": item.list_price.amount_minor if item.HasField("list_price") else 0,
        "currency": item.price.currency,
        "brand": item.brand,
        "category": item.category,
        "image_count": item.image_count,
        "image_etag": item.image_etag,
        "regions": list(item.regions),
        "minimum_age": item.minimum_age,
        "p_click_if_seen": round(p_click, 6),
    }
