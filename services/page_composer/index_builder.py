"""Builds item indexes: takes changes in, gives snapshots out. Snapshots given out never change.

A snapshot shares every column with the builder until something in that column changes: then the builder goes on with a
copy (copy on write, column by column). A change of one item's stock so costs a copy of the stock, and new items cost
none, because they are written beyond what any snapshot sees. About 470 bytes an item in all (ADR 0020).
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.page_composer.census import LARGE, Census, Latest
from services.page_composer.index_texts import TextRun, parts_of
from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import MOMENTS, ItemIndex

Value = TypeVar("Value", bound=Hashable)

FIRST_CAPACITY = 1_024
GROWTH = 2
"""Full columns grow by this part of themselves."""
CHANGED_AT_MOST = 500
"""Rows, and a fiftieth of the catalogue, that may change before a large one is counted again."""

_COLUMNS: Final[dict[str, type]] = {
    "present": np.bool_,
    "displayable": np.bool_,
    "family": np.int64,
    "cluster": np.int64,
    "brand": np.int32,
    "category": np.int32,
    "seller": np.int32,
    "colour": np.int32,
    "region_set": np.int32,
    "currency": np.int32,
    "price_minor": np.int64,
    "list_price_minor": np.int64,
    "previous_price_minor": np.int64,
    "margin_ratio": np.float64,
    "stock": np.int64,
    "minimum_age": np.int32,
    "created_s": np.float64,
    "restocked_s": np.float64,
    "price_dropped_s": np.float64,
    "near_duplicate": np.int64,
    "image_count": np.int32,
    "revision": np.int64,
    "text_start": np.int64,
    "text_length": np.int32,
    "written": np.int64,
}


class Vocabulary(Generic[Value]):
    """Numbers values in the order in which they first come; it only grows."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.code_of: dict[Value, int] = {}

    def code(self, value: Value) -> int:
        """The value's number, a new one if need be."""
        code = self.code_of.get(value)
        if code is None:
            code = self.code_of[value] = len(self.values)
            self.values.append(value)
        return code


@dataclass
class _Vocabularies:
    brands: Vocabulary[str]
    categories: Vocabulary[str]
    sellers: Vocabulary[str]
    colours: Vocabulary[str]
    currencies: Vocabulary[str]
    region_sets: Vocabulary[tuple[str, ...]]


class IndexBuilder:
    """The growing state behind the snapshots of one shop. One thread at a time writes and takes snapshots."""

    def __init__(self) -> None:
        self._vocabularies = _Vocabularies(*(Vocabulary() for _ in range(6)))
        self._row_of: dict[str, int] = {}
        self._item_ids: list[str] = []
        self._texts = TextRun()
        self._live_text = 0
        self._kept_facts: dict[int, tuple[int, ItemFacts]] = {}
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(FIRST_CAPACITY, kind) for name, kind in _COLUMNS.items()
        }
        self._shared: dict[str, int] = dict.fromkeys(_COLUMNS, 0)
        """Rows of each column that a snapshot sees: they must not be written to."""
        self._writes = 0
        self._count = 0
        self._census: Census | None = None
        self._changed: dict[int, None] = {}
        self.cursor = ""

    def put(self, items: Iterable[ItemFacts]) -> None:
        """Create or replace items."""
        new: list[ItemFacts] = []
        for facts in items:
            row = self._row_of.get(facts.item_id)
            if row is None:
                self._row_of[facts.item_id] = len(self._item_ids) + len(new)
                new.append(facts)
                continue
            self._append(new)  # the item may be one of them
            new = []
            self._replace(row, facts)
        self._append(new)

    def delete(self, item_ids: Iterable[str]) -> None:
        """Forget items; unknown ids are nothing to forget."""
        for item_id in item_ids:
            row = self._row_of.get(item_id)
            if row is not None and self._columns["present"][row]:
                self._set("present", row, value=False)
                self._count -= 1
                self._changed[row] = None

    def snapshot(self) -> ItemIndex:
        """The present state; columns are shared until they change. Of a large catalogue it is counted now and then."""
        if 2 * self._live_text < len(self._texts) - LARGE:
            self._rewrite_texts()
        size, known = len(self._item_ids), self._vocabularies
        index = ItemIndex(
            cursor=self.cursor,
            size=size,
            count=self._count,
            row_of=self._row_of,
            item_ids=self._item_ids,
            texts=self._texts,
            kept_facts=self._kept_facts,
            brands=known.brands.values.copy(),
            categories=known.categories.values.copy(),
            sellers=known.sellers.values.copy(),
            colours=known.colours.values,
            currencies=known.currencies.values,
            region_sets=known.region_sets.values.copy(),
            codes_of_brand=known.brands.code_of,
            codes_of_category=known.categories.code_of,
            census=None,
            changed=np.zeros(0, np.int64),
            **{name: _read_only(column[:size]) for name, column in self._columns.items()},
        )
        self._shared = dict.fromkeys(_COLUMNS, size)
        return self._counted(index) if size > LARGE else index

    def _counted(self, index: ItemIndex) -> ItemIndex:
        if self._census is None or len(self._changed) > CHANGED_AT_MOST + index.size // 50:
            self._census, self._changed = census_of(index), {}
        return replace(index, census=self._census, changed=np.fromiter(self._changed, np.int64, len(self._changed)))

    def _append(self, new: Sequence[ItemFacts]) -> None:
        """Give items the next rows: column by column, cheaper than value by value, and no snapshot sees them."""
        if not new:
            return
        first, end = len(self._item_ids), len(self._item_ids) + len(new)
        self._grow(end)
        rows = [self._values(row, facts, self._append_texts(facts)) for row, facts in enumerate(new, first)]
        for name, values in zip(_COLUMNS, zip(*rows, strict=True), strict=True):
            self._columns[name][first:end] = values
        self._item_ids.extend(facts.item_id for facts in new)
        self._count += len(new)
        self._changed.update(dict.fromkeys(range(first, end)))

    def _grow(self, size: int) -> None:
        if size > len(self._columns["present"]):
            more = size - len(self._columns["present"]) + size // GROWTH
            self._columns = {
                name: np.concatenate([each, np.zeros(more, each.dtype)]) for name, each in self._columns.items()
            }
            self._shared = dict.fromkeys(_COLUMNS, 0)

    def _replace(self, row: int, facts: ItemFacts) -> None:
        values = self._values(row, facts, self._keep_texts(row, facts))
        self._changed[row] = None
        self._count += not self._columns["present"][row]
        for name, value in zip(_COLUMNS, values, strict=True):
            self._set(name, row, value)

    def _values(self, row: int, facts: ItemFacts, texts: tuple[int, int]) -> tuple[float, ...]:
        """What _COLUMNS has of an item whose texts are there."""
        known = self._vocabularies
        self._writes += 1
        return (
            True,
            facts.displayable,
            hash(facts.family_id or facts.item_id),
            facts.near_duplicate_cluster or -1 - row,  # clusters have any number above 0
            known.brands.code(facts.brand),
            known.categories.code(facts.category),
            known.sellers.code(facts.seller),
            known.colours.code(facts.colour),
            known.region_sets.code(facts.regions),
            known.currencies.code(facts.currency),
            facts.price_minor,
            facts.list_price_minor,
            facts.previous_price_minor,
            np.nan if facts.margin_ratio is None else facts.margin_ratio,
            facts.stock,
            facts.minimum_age,
            facts.created_s,
            facts.restocked_s,
            facts.price_dropped_s,
            facts.near_duplicate_cluster,
            facts.image_count,
            facts.revision,
            *texts,
            self._writes,
        )

    def _set(self, name: str, row: int, value: Any) -> None:
        column = self._columns[name]
        if row < self._shared[name]:
            old = column[row]
            if old == value or (old != old and value != value):  # noqa: PLR0124  NaN is unlike itself
                return
            column = self._columns[name] = column.copy()
            self._shared[name] = 0
        column[row] = value

    def _keep_texts(self, row: int, facts: ItemFacts) -> tuple[int, int]:
        """Where the texts of a known item are; those that stay as they were stay where they were."""
        start, length = int(self._columns["text_start"][row]), int(self._columns["text_length"][row])
        if length and self._texts.read(start, length) == _parts(facts):
            return start, length
        self._live_text -= length
        return self._append_texts(facts)

    def _append_texts(self, facts: ItemFacts) -> tuple[int, int]:
        start, length = self._texts.append(_parts(facts))
        self._live_text += length
        return start, length

    def _rewrite_texts(self) -> None:
        """Leave out what is no longer said of any item. Snapshots keep the run that they have."""
        texts, size = TextRun(), len(self._item_ids)
        starts, lengths = self._columns["text_start"].copy(), self._columns["text_length"]
        for row in range(size):
            starts[row] = texts.copy_of(int(starts[row]), int(lengths[row]), self._texts)
        self._columns["text_start"], self._texts = starts, texts


def _parts(facts: ItemFacts) -> list[str]:
    return parts_of(facts.family_id, facts.link, facts.image_etag, facts.goes_with, facts.titles)


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    column.flags.writeable = False  # the view alone: the builder goes on writing beyond it
    return column


EMPTY_INDEX = IndexBuilder().snapshot()
"""A shop of which nothing is known."""


def census_of(index: ItemIndex) -> Census:
    """Count and order a catalogue; half a second for a million items, mostly without the interpreter's lock."""
    plain = replace(index, census=None)
    available = plain.available
    return Census(
        latest={name: Latest.of(getattr(index, name), available) for name in MOMENTS},
        by_category=plain.count_by_category(),
        mean_margin_minor=plain.mean_margin_minor,
        usual_margin_ratio=plain.usual_margin_ratio,
    )
