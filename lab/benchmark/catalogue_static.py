"""The static page of a synthetic release."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.benchmark.catalogue import item_id
from lab.benchmark.catalogue_items import COLOURS, NOUNS, REGIONS, SyntheticItems

ITEMS_SHOWN = 200
P_CLICK = 0.03


def static_page(items: SyntheticItems, popularity: NDArray[np.float32]) -> dict[str, Any]:
    """What `page/fallback.json` holds: the most popular items that are in stock, one of each family."""
    chosen: dict[int, int] = {}
    for number in np.argsort(-popularity, kind="stable").tolist():
        if items.stock[number] != 0:
            chosen.setdefault(int(items.family[number]), number)
        if len(chosen) == ITEMS_SHOWN:
            break
    shown = list(chosen.values())
    return {"items": [_display(items, number) for number in shown], "segments": {"all": list(range(len(shown)))}}


def _display(items: SyntheticItems, number: int) -> dict[str, Any]:
    brand = items.brands[items.brand[number]]
    colour, noun = COLOURS[items.colour[number]], items.noun[number]
    return {
        "item_id": item_id(number),
        "family_id": f"f{items.family[number]}",
        "near_duplicate_cluster": 0,
        "titles": {
            "en": f"{colour.title()} {NOUNS['en'][noun]} {brand} {number}",
            "es": f"{NOUNS['es'][noun].title()} {colour} {brand} {number}",
        },
        "link": f"https://shop.example/{item_id(number)}",
        "price_minor": int(items.price_minor[number]),
        "list_price_minor": int(items.list_price_minor[number]),
        "currency": "EUR",
        "brand": brand,
        "category": items.categories[items.category[number]],
        "image_count": 0,
        "image_etag": "",
        "regions": list(REGIONS[items.region_set[number]]),
        "minimum_age": 0,
        "p_click_if_seen": P_CLICK,
    }
