"""The composer's own item facts, in packed columns: what selection needs and display data that can stand in."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from services.page_composer.arrays import NONE, Bools, Floats, Ints
from services.page_composer.visit import covers

UNTRACKED = -1
"""In `stock`: the shop does not count this item; it is always available."""

DEFAULT_MARGIN_RATIO = 0.3
"""Assumed while no item of the shop says its margin; then the shop's own average is taken."""

ANSWERS_REMEMBERED = 1_000
"""Filters of category or region whose codes a snapshot remembers."""


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One item, as item_vision's contract describes it."""

    item_id: str
    family_id: str
    near_duplicate_cluster: int = 0
    brand: str = ""
    category: str = ""
    seller: str = ""
    colour: str = ""
    price_minor: int = 0
    currency: str = ""
    list_price_minor: int = 0
    """0 when the price is not reduced."""
    margin_ratio: float | None = None
    stock: int = UNTRACKED
    regions: tuple[str, ...] = ()
    minimum_age: int = 0
    created_s: float = 0.0
    restocked_s: float = 0.0
    price_dropped_s: float = 0.0
    previous_price_minor: int = 0
    titles: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    image_count: int = 0
    image_etag: str = ""
    revision: int = 0
    """What item_vision compares to say whether it has changed since; 0 when unknown."""

    @property
    def displayable(self) -> bool:
        """Whether it can be shown as an item for sale: with title, price and link."""
        return bool(self.titles and self.link and self.price_minor > 0)


@dataclass(frozen=True)
class ItemIndex:
    """One consistent state of a shop's catalogue. Row k of every column is the same item; rows of items that are
    gone stay.

    Codes are positions in the vocabularies. Snapshots share the lookup tables, which only grow: rows and codes
    beyond this snapshot's size belong to later ones.
    """

    cursor: str
    size: int
    row_of: Mapping[str, int]
    facts: Sequence[ItemFacts]
    brands: Sequence[str]
    categories: Sequence[str]
    sellers: Sequence[str]
    region_sets: Sequence[tuple[str, ...]]
    codes_of_brand: Mapping[str, int]
    codes_of_category: Mapping[str, int]
    present: Bools
    displayable: Bools
    family: Ints
    cluster: Ints
    """Items without near-duplicates have a code of their own."""
    brand: Ints
    category: Ints
    seller: Ints
    colour: Ints
    """Code of the colour; all items without one share a code."""
    region_set: Ints
    price_minor: Ints
    list_price_minor: Ints
    margin_ratio: Floats
    """NaN where the shop did not say."""
    stock: Ints
    minimum_age: Ints
    created_s: Floats
    restocked_s: Floats
    price_dropped_s: Floats

    def rows(self, item_ids: Iterable[str]) -> Ints:
        """`[n]` rows of items; −1 for those that this snapshot does not have."""
        row_of = self.row_of
        found = np.asarray([row_of.get(item_id, NONE) for item_id in item_ids], np.int64)
        found[found >= self.size] = NONE
        if self.size:
            found[(found >= 0) & ~self.present[found]] = NONE
        return found

    def get(self, item_id: str) -> ItemFacts | None:
        """The facts of one item; None when it is not there."""
        row = self.row_of.get(item_id, NONE)
        return self.facts[row] if 0 <= row < self.size and self.present[row] else None

    def __len__(self) -> int:
        return int(self.present.sum())

    def reduced_mask(self, rows: Ints) -> Bools:
        """`[n]` rows whose price is reduced."""
        return np.asarray(self.list_price_minor[rows] > self.price_minor[rows], np.bool_)

    @property
    def available(self) -> Bools:
        """`[size]` items that can be bought somewhere now."""
        return np.asarray(self.present & (self.stock != 0), np.bool_)

    def category_mask(self, paths: Iterable[str], rows: Ints | None = None) -> Bools:
        """Items of these category paths or below: `[size]`, or `[n]` for the given rows."""
        return np.asarray(self._codes_within(tuple(paths))[_at(self.category, rows)], np.bool_)

    def brand_mask(self, names: Iterable[str], rows: Ints | None = None) -> Bools:
        """Items of these brands: `[size]`, or `[n]` for the given rows."""
        wanted = [self.codes_of_brand.get(name, NONE) for name in names]
        return np.asarray(np.isin(_at(self.brand, rows), wanted), np.bool_)

    def seller_mask(self, names: Iterable[str], rows: Ints | None = None) -> Bools:
        """Items of these sellers: `[size]`, or `[n]` for the given rows."""
        wanted = frozenset(names)
        truths = np.asarray([*(each in wanted for each in self.sellers), False], np.bool_)
        return np.asarray(truths[_at(self.seller, rows)], np.bool_)

    def region_mask(self, region: str, rows: Ints | None = None) -> Bools:
        """Items that may be sold in a region: `[size]`, or `[n]` for the given rows.

        In an unknown region ("") only what is sold everywhere.
        """
        return np.asarray(self._sets_with(region)[_at(self.region_set, rows)], np.bool_)

    def _codes_within(self, paths: tuple[str, ...]) -> Bools:
        """`[categories]` which are among these paths or below. Pages ask for the same few paths again and again."""
        return self._remembered(
            paths, lambda: [any(covers(path, each, "/") for path in paths) for each in self.categories]
        )

    def _sets_with(self, region: str) -> Bools:
        """`[region sets]` which hold a region."""
        return self._remembered(
            region, lambda: [not each or any(covers(wide, region, "-") for wide in each) for each in self.region_sets]
        )

    def _remembered(self, key: Hashable, work_out: Callable[[], list[bool]]) -> Bools:
        """What was worked out for a key; one entry more than there are codes, so that an empty vocabulary can be
        looked up too.
        """
        known = self._answers.get(key)
        if known is None:
            while len(self._answers) >= ANSWERS_REMEMBERED:
                del self._answers[next(iter(self._answers))]
            known = self._answers[key] = np.asarray([*work_out(), False], np.bool_)
        return known

    @cached_property
    def _answers(self) -> dict[Hashable, Bools]:
        return {}

    @cached_property
    def margin_minor(self) -> Floats:
        """`[size]` margin of one sale; where the shop did not say, its average ratio is assumed."""
        ratio = np.where(np.isnan(self.margin_ratio), self._usual_margin_ratio, self.margin_ratio)
        return np.asarray(self.price_minor * ratio, np.float64)

    @cached_property
    def mean_margin_minor(self) -> float:
        """Mean margin of an item that can be bought now; at least 1."""
        margins = self.margin_minor[self.available]
        return max(float(margins.mean()), 1.0) if len(margins) else 1.0

    @cached_property
    def _usual_margin_ratio(self) -> float:
        known = self.margin_ratio[self.present & ~np.isnan(self.margin_ratio)]
        return float(known.mean()) if len(known) else DEFAULT_MARGIN_RATIO


def _at(column: Ints, rows: Ints | None) -> Ints:
    return column if rows is None else column[rows]
