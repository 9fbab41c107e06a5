"""Cap: show at most so many items of one value of a facet on a page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Ints
from services.page_composer.item_index import ItemIndex
from services.page_composer.rules.rule import Rule, effects

FACETS = ("brand", "seller", "category")


@dataclass(frozen=True)
class Cap:
    """At most `item_count` items; with `value` of that value alone, else of every value by itself."""

    facet: str
    item_count: int
    value: str = ""


@dataclass(frozen=True)
class Limit:
    """A cap in columns: candidate k counts towards group `groups[k]`, which takes `most` items."""

    groups: Ints
    """`[n]` number of the group; −1 for items that the cap is not about."""
    group_count: int
    most: int


def limits(rules: Sequence[Rule], index: ItemIndex, rows: Ints) -> list[Limit]:
    """The caps among rules in force, for candidates in these rows.

    An item without a value is not capped by "every value"; a path covers what is below.
    """
    return [_limit(cap, index, rows) for _, cap in effects(rules, Cap)]


def _limit(cap: Cap, index: ItemIndex, rows: Ints) -> Limit:
    codes, values = {
        "brand": (index.brand, index.brands),
        "seller": (index.seller, index.sellers),
        "category": (index.category, index.categories),
    }[cap.facet]
    if cap.value:
        mask = {"brand": index.brand_mask, "seller": index.seller_mask, "category": index.category_mask}[cap.facet]
        return Limit(np.where(mask([cap.value], rows), 0, -1), 1, cap.item_count)
    named = np.asarray([*(bool(value) for value in values), False], np.bool_)
    return Limit(np.where(named[codes[rows]], codes[rows], -1), len(values), cap.item_count)
