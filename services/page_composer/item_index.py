"""The composer's own item facts, in packed columns: what selection needs and display data that can stand in."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np

from services.page_composer.arrays import NONE, Bools, Floats, Ints, among
from services.page_composer.census import RECENT_AT_MOST, Census
from services.page_composer.index_texts import TextRun, linked_of, titles_of
from services.page_composer.item_facts import ItemFacts
from services.page_composer.visit import covers

DEFAULT_MARGIN_RATIO = 0.3
"""Assumed while no item of the shop says its margin; then the shop's own average is taken."""

ANSWERS_REMEMBERED = 1_000
"""Filters of category or region whose codes a snapshot remembers, and as many filters of items with their rows."""
FACTS_KEPT = 2_500
"""Facts that are kept put together, and as many displays: the items that pages show most. Some 4 KiB each; with four
times as many the process grew by 4 MiB a minute for as long as a soak took.
"""

MOMENTS = ("created_s", "restocked_s", "price_dropped_s")


@dataclass(frozen=True)
class ItemIndex:
    """One consistent state of a shop's catalogue. Row k of every column is the same item; rows of items that are
    gone stay.

    Codes are positions in the vocabularies. Snapshots share the lookup tables and texts, which only grow, and every
    column that has not changed between them: rows and codes beyond this snapshot's size belong to later ones.
    """

    cursor: str
    size: int
    count: int
    """Items that are there."""
    row_of: Mapping[str, int]
    item_ids: Sequence[str]
    texts: TextRun
    kept_facts: dict[int, tuple[int, ItemFacts]]
    """Facts put together lately, by row, with `written` at that time; shared by all snapshots."""
    brands: Sequence[str]
    categories: Sequence[str]
    sellers: Sequence[str]
    colours: Sequence[str]
    currencies: Sequence[str]
    region_sets: Sequence[tuple[str, ...]]
    codes_of_brand: Mapping[str, int]
    codes_of_category: Mapping[str, int]
    census: Census | None
    """None while the catalogue is small: then its columns are gone through."""
    changed: Ints
    """Rows that have changed since the census."""
    present: Bools
    displayable: Bools
    family: Ints
    """A number that variants of one product share; of any size."""
    cluster: Ints
    """A number that near-duplicates share; of any size. Items without any have one of their own."""
    brand: Ints
    category: Ints
    seller: Ints
    colour: Ints
    """Code of the colour; all items without one share a code."""
    region_set: Ints
    currency: Ints
    price_minor: Ints
    list_price_minor: Ints
    previous_price_minor: Ints
    margin_ratio: Floats
    """NaN where the shop did not say."""
    stock: Ints
    minimum_age: Ints
    created_s: Floats
    restocked_s: Floats
    price_dropped_s: Floats
    near_duplicate: Ints
    """As item_vision numbers clusters; 0 for none."""
    image_count: Ints
    revision: Ints
    text_start: Ints
    text_length: Ints
    written: Ints
    """Number of the write that each row is of."""

    def rows(self, item_ids: Iterable[str]) -> Ints:
        """`[n]` rows of items; −1 for those that this snapshot does not have."""
        found = np.fromiter(map(self.row_of.get, item_ids, repeat(NONE)), np.int64)
        found[found >= self.size] = NONE
        if self.size:
            found[(found >= 0) & ~self.present[found]] = NONE
        return found

    def get(self, item_id: str) -> ItemFacts | None:
        """The facts of one item; None when it is not there."""
        row = self.row_of.get(item_id, NONE)
        return self.facts[row] if 0 <= row < self.size and self.present[row] else None

    @property
    def facts(self) -> Sequence[ItemFacts]:
        """`[size]` the facts of each row, put together when asked for.

        Not kept: it refers to the index, and an index that refers to itself would outlive its time until the
        collector comes by, which in a server is seldom.
        """
        return FactsByRow(self)

    def __len__(self) -> int:
        return self.count

    def reduced_mask(self, rows: Ints) -> Bools:
        """`[n]` rows whose price is reduced."""
        return np.asarray(self.list_price_minor[rows] > self.price_minor[rows], np.bool_)

    @cached_property
    def available(self) -> Bools:
        """`[size]` items that can be bought somewhere now; not to be written to."""
        return np.asarray(self.present & (self.stock != 0), np.bool_)

    def available_among(self, rows: Ints) -> Ints:
        """Those of the rows whose items can be bought somewhere now."""
        return np.asarray(rows[self.present[rows] & (self.stock[rows] != 0)], np.int64)

    def recent(self, column: str, since_s: float) -> Ints:
        """Rows, ascending, of what can be bought and has `created_s`, `restocked_s` or `price_dropped_s` at or after a
        moment. Of a large catalogue the latest 2,000 and what has changed of late.
        """
        moments_s: Floats = getattr(self, column)
        if self.census is None:
            return np.flatnonzero(self.available & (moments_s >= since_s))
        latest = self.census.latest[column].since(since_s)[:RECENT_AT_MOST]
        rows = np.sort(np.concatenate([latest, self.changed]))
        rows = self.available_among(rows[np.diff(rows, prepend=NONE) > 0])
        return rows[moments_s[rows] >= since_s]

    def count_by_category(self) -> Ints:
        """`[categories]` how many items of each can be bought; of a large catalogue, as of its census."""
        if self.census is None:
            return np.bincount(self.category[self.available], minlength=len(self.categories))
        counts = self.census.by_category
        return np.concatenate([counts, np.zeros(max(len(self.categories) - len(counts), 0), np.int64)])

    def category_mask(self, paths: Iterable[str], rows: Ints | None = None) -> Bools:
        """Items of these category paths or below: `[size]`, or `[n]` for the given rows."""
        return np.asarray(self._codes_within(tuple(paths))[_at(self.category, rows)], np.bool_)

    def categories_within(self, path: str) -> Bools:
        """`[categories]` whether each is the path or below it."""
        return self._codes_within((path,))[:-1]

    def brand_mask(self, names: Iterable[str], rows: Ints | None = None) -> Bools:
        """Items of these brands: `[size]`, or `[n]` for the given rows."""
        return among(_at(self.brand, rows), [self.codes_of_brand.get(name, NONE) for name in names])

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

    def shown(self, row: int, locale: str, work_out: Callable[[ItemFacts], Any]) -> tuple[ItemFacts, Any]:
        """The facts of a row, and what is shown of them in a language: both are the same as long as the snapshot is."""
        known = self._shown.get((row, locale))
        if known is None:
            if len(self._shown) >= FACTS_KEPT:
                self._shown.clear()
            facts = self.facts[row]
            known = self._shown[row, locale] = (facts, work_out(facts))
        return known

    @cached_property
    def _shown(self) -> dict[tuple[int, str], tuple[ItemFacts, Any]]:
        return {}

    def remembered_rows(self, key: Hashable, work_out: Callable[[], Ints]) -> Ints:
        """Rows that were worked out for a key once, read-only: this snapshot's answer does not change."""
        known = self._rows_found.get(key)
        if known is None:
            while len(self._rows_found) >= ANSWERS_REMEMBERED:
                del self._rows_found[next(iter(self._rows_found))]
            known = work_out()
            known.flags.writeable = False
            self._rows_found[key] = known
        return known

    @cached_property
    def _rows_found(self) -> dict[Hashable, Ints]:
        return {}

    def margin_minor(self, rows: Ints) -> Floats:
        """`[n]` margin of one sale; where the shop did not say, its average ratio is assumed."""
        ratio = self.margin_ratio[rows]
        return np.asarray(
            self.price_minor[rows] * np.where(np.isnan(ratio), self.usual_margin_ratio, ratio), np.float64
        )

    @cached_property
    def mean_margin_minor(self) -> float:
        """Mean margin of an item that can be bought now; at least 1. Of a large catalogue, as of its census."""
        if self.census is not None:
            return self.census.mean_margin_minor
        margins = self.margin_minor(np.flatnonzero(self.available))
        return max(float(margins.mean()), 1.0) if len(margins) else 1.0

    @cached_property
    def usual_margin_ratio(self) -> float:
        """The average ratio of the items whose margin is known; of a large catalogue, as of its census."""
        if self.census is not None:
            return self.census.usual_margin_ratio
        known = self.margin_ratio[self.present & ~np.isnan(self.margin_ratio)]
        return float(known.mean()) if len(known) else DEFAULT_MARGIN_RATIO


class FactsByRow(Sequence[ItemFacts]):
    """The facts of an index's rows, put together from columns and texts when asked for, and kept for a while."""

    def __init__(self, index: ItemIndex) -> None:
        self._index = index

    def __len__(self) -> int:
        return self._index.size

    def __getitem__(self, row: Any) -> Any:
        """The facts of a row; a sequence of them for a slice."""
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        row = int(row)
        if not 0 <= row < len(self):
            raise IndexError(f"the index has {len(self)} rows, not {row}")
        index = self._index
        written = int(index.written[row])
        kept = index.kept_facts.get(row)
        if kept is not None and kept[0] == written:
            return kept[1]
        facts = _facts(index, row)
        if len(index.kept_facts) >= FACTS_KEPT:
            index.kept_facts.clear()
        index.kept_facts[row] = (written, facts)
        return facts


def _facts(index: ItemIndex, row: int) -> ItemFacts:
    parts = index.texts.read(int(index.text_start[row]), int(index.text_length[row]))
    margin = float(index.margin_ratio[row])
    return ItemFacts(
        item_id=index.item_ids[row],
        family_id=parts[0],
        near_duplicate_cluster=int(index.near_duplicate[row]),
        brand=index.brands[index.brand[row]],
        category=index.categories[index.category[row]],
        seller=index.sellers[index.seller[row]],
        colour=index.colours[index.colour[row]],
        price_minor=int(index.price_minor[row]),
        currency=index.currencies[index.currency[row]],
        list_price_minor=int(index.list_price_minor[row]),
        margin_ratio=None if math.isnan(margin) else margin,
        stock=int(index.stock[row]),
        regions=index.region_sets[index.region_set[row]],
        minimum_age=int(index.minimum_age[row]),
        created_s=float(index.created_s[row]),
        restocked_s=float(index.restocked_s[row]),
        price_dropped_s=float(index.price_dropped_s[row]),
        previous_price_minor=int(index.previous_price_minor[row]),
        titles=titles_of(parts),
        link=parts[1],
        image_count=int(index.image_count[row]),
        image_etag=parts[2],
        revision=int(index.revision[row]),
        goes_with=linked_of(parts),
    )


def _at(column: Ints, rows: Ints | None) -> Ints:
    return column if rows is None else column[rows]
