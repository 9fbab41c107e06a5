"""The catalogue as simulated users see it: an array a fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shelves:
    """Facts of the items in stock, in columns; entry k of every column is item k."""

    item_ids: Sequence[str]
    category: NDArray[np.int64]
    """Number of the category path."""
    department: NDArray[np.int64]
    """Number of the first level of the category."""
    brand: NDArray[np.int64]
    colour: NDArray[np.int64]
    log_price: NDArray[np.float64]
    """Natural logarithm of the price in minor units, standardised over the catalogue."""
    price_minor: Sequence[int]
    currency: Sequence[str]
    titles: Sequence[str]

    def __len__(self) -> int:
        return len(self.item_ids)


def simulated_items(facts: Sequence[Any]) -> Shelves:
    """Return the items of a catalogue (ItemFacts) that can be bought."""
    there = [each for each in facts if not each.HasField("stock") or each.stock > 0]
    prices = np.log(np.maximum(np.array([each.price.amount_minor for each in there], np.float64), 1.0))
    spread = float(prices.std()) if there else 1.0
    return Shelves(
        item_ids=[each.item_id for each in there],
        category=_numbers([each.category for each in there]),
        department=_numbers([each.category.split("/")[0] for each in there]),
        brand=_numbers([each.brand for each in there]),
        colour=_numbers([each.colour for each in there]),
        log_price=(prices - prices.mean()) / (spread or 1.0) if there else prices,
        price_minor=[each.price.amount_minor for each in there],
        currency=[each.price.currency for each in there],
        titles=[next(iter(each.titles.values()), "") for each in there],
    )


def _numbers(texts: Sequence[str]) -> NDArray[np.int64]:
    order = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return np.array([order[text] for text in texts], np.int64)
