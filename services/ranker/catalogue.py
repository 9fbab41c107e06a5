"""The ranker's own view of a shop's items: compact columns, one position an item, kept current by the watch.

Positions never change while the process lives: an item that is updated keeps its own, a deleted one is marked. So a
release needs to work out only once which of its rows stands where.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.ranker.item_facts import CodedTexts
from services.ranker.postings import Postings
from services.ranker.query import WordIndex

NOT_COUNTED = -1
LARGE = 50_000
"""Catalogues with more items are not gone through item by item for every pool."""
_FIRST_CAPACITY = 1_024
_MOST_CHANGED = 500
_REMEMBERED = 256


@dataclass(frozen=True)
class CatalogueItem:
    """What the ranker keeps of one item."""

    item_id: str
    brand: str
    category: str
    price_minor: int
    """0 when it is not known."""
    list_price_minor: int
    """0 when the item is not reduced."""
    stock: int
    """NOT_COUNTED when stock is not tracked."""
    created_s: float
    """Seconds since the epoch."""
    words: str
    """Everything a search may match: titles, brand, category, attributes."""


def within(path: str, categories: Sequence[str]) -> bool:
    """Say whether a category path is one of the categories or below one."""
    return any(path == category or path.startswith(category + "/") for category in categories)


class Names:
    """Numbers for names, in order of their first appearance, so that filters work on integers."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._code_of: dict[str, int] = {}
        self._within: dict[tuple[tuple[str, ...], int], NDArray[np.bool_]] = {}

    def code(self, name: str) -> int:
        """The name's number; a new name gets the next one."""
        code = self._code_of.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def column(self, codes: NDArray[np.int32]) -> CodedTexts:
        """`[n]` the names of codes, as a column that knows them; nothing may be added while it is in use."""
        return CodedTexts(codes, self.names, self._code_of)

    def within(self, paths: Sequence[str]) -> NDArray[np.bool_]:
        """`[names]` which names are one of the category paths or below one; kept, not to be written to."""
        key = (tuple(paths), len(self.names))
        known = self._within.get(key)
        if known is None:
            while len(self._within) >= _REMEMBERED:
                del self._within[next(iter(self._within))]
            known = self._within[key] = self.matching(lambda path: within(path, paths))
        return known

    def matching(self, wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
        """`[names]` which names are wanted; index it with codes."""
        return np.fromiter((wanted(name) for name in self.names), np.bool_, len(self.names))


class Catalogue:
    """The items of one shop. Threads that read or write hold `lock`, so that a request sees one state of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.item_ids: list[str] = []
        self.words = WordIndex()
        """What a search may match, position by position."""
        self.brands = Names()
        """Brand names by code."""
        self.categories = Names()
        """Category paths by code."""
        self.cursor = ""
        """Cursor of the watch that this view corresponds to; empty before the first message."""
        self.complete = False
        """Whether the whole catalogue has been read once."""
        self.postings: Postings | None = None
        """Where items are by category, brand and age; None while the catalogue is small or being read."""
        self.changed: list[int] = []
        """Positions that the postings do not have, or not where they are now."""
        self.change_count = 0
        """How often items were put or deleted."""
        self._masks: dict[tuple[tuple[str, ...], tuple[str, ...]], NDArray[np.bool_]] = {}
        """What `present_of` answered since the last change."""
        self._position_of: dict[str, int] = {}
        self._numbers = {name: np.zeros(_FIRST_CAPACITY, kind) for name, kind in _COLUMNS.items()}

    @classmethod
    def of_columns(
        cls,
        item_ids: Sequence[str],
        position_of: Mapping[str, int],
        brands: Sequence[str],
        categories: Sequence[str],
        created_s: Sequence[float],
    ) -> Self:
        """A catalogue of which only this is known: a second for a million items. Without words; not to be changed."""
        catalogue, size = cls(), len(item_ids)
        numbers = catalogue._numbers = {name: np.zeros(size, kind) for name, kind in _COLUMNS.items()}
        for name, names, values in (
            ("brand_code", catalogue.brands, brands),
            ("category_code", catalogue.categories, categories),
        ):
            numbers[name][:] = np.fromiter(map(names.code, values), np.int32, size)
        numbers["created_s"][:], numbers["stock"][:], numbers["present"][:] = created_s, NOT_COUNTED, True
        catalogue.item_ids, catalogue._position_of = list(item_ids), dict(position_of)
        catalogue.words.append_nothing(size)
        catalogue.postings = Postings.of(numbers["category_code"], numbers["brand_code"], numbers["created_s"])
        return catalogue

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def price_minor(self) -> NDArray[np.int64]:
        """`[items]` price in minor units; 0 when not known."""
        return self._column("price_minor")

    @property
    def list_price_minor(self) -> NDArray[np.int64]:
        """`[items]` price before reduction; 0 when not reduced."""
        return self._column("list_price_minor")

    @property
    def stock(self) -> NDArray[np.int32]:
        """`[items]` units; NOT_COUNTED when not tracked."""
        return self._column("stock")

    @property
    def created_s(self) -> NDArray[np.float64]:
        """`[items]` seconds since the epoch."""
        return self._column("created_s")

    @property
    def brand_codes(self) -> NDArray[np.int32]:
        """`[items]` codes of `brands`."""
        return self._column("brand_code")

    @property
    def category_codes(self) -> NDArray[np.int32]:
        """`[items]` codes of `categories`."""
        return self._column("category_code")

    @property
    def present(self) -> NDArray[np.bool_]:
        """`[items]` False for deleted items."""
        return self._column("present")

    def positions(self, item_ids: Iterable[str]) -> NDArray[np.int64]:
        """`[len(item_ids)]` positions, −1 where unknown or deleted."""
        positions = self.all_positions(item_ids)
        if len(self):
            positions[~self.present[positions]] = -1
        return positions

    def all_positions(self, item_ids: Iterable[str]) -> NDArray[np.int64]:
        """`[len(item_ids)]` positions, those of deleted items included; −1 where unknown."""
        return np.fromiter(map(self._position_of.get, item_ids, repeat(-1)), np.int64)

    def present_of(
        self, categories: Sequence[str], brands: Sequence[str], positions: NDArray[np.signedinteger] | None = None
    ) -> NDArray[np.bool_]:
        """`[items]`, or for each of `[k]` positions: which are in the shop, in one of the category paths or below one,
        and of one of the brands, where any are named. Not to be written to.
        """
        if positions is not None or len(self) > LARGE:
            return self._present_of(categories, brands, slice(None) if positions is None else positions)
        key = (tuple(categories), tuple(brands))
        mask = self._masks.get(key)
        if mask is None:
            while len(self._masks) >= _REMEMBERED:
                del self._masks[next(iter(self._masks))]
            mask = self._masks[key] = self._present_of(categories, brands, slice(None))
        return mask

    def _present_of(
        self, categories: Sequence[str], brands: Sequence[str], at: slice | NDArray[np.signedinteger]
    ) -> NDArray[np.bool_]:
        mask = self.present[at].copy()
        if categories:
            mask &= self.categories.within(categories)[self.category_codes[at]]
        if brands:
            mask &= self.brands.matching(frozenset(brands).__contains__)[self.brand_codes[at]]
        return mask

    def put(self, items: Sequence[CatalogueItem]) -> None:
        """Add items or replace what is known of them."""
        self._note_change()
        new: list[CatalogueItem] = []
        for item in items:
            position = self._position_of.get(item.item_id)
            if position is None:
                self._position_of[item.item_id] = len(self.item_ids) + len(new)
                new.append(item)
                continue
            self._append(new)  # the item may be one of them
            new = []
            self._replace(position, item)
        self._append(new)

    def delete(self, item_ids: Iterable[str]) -> None:
        """Mark items as gone; unknown ids are ignored."""
        self._note_change()
        positions = self.all_positions(item_ids)
        self._numbers["present"][positions[positions >= 0]] = False

    def delete_all_but(self, item_ids: Iterable[str]) -> None:
        """Mark everything else as gone."""
        self._note_change()
        positions = self.all_positions(item_ids)
        kept = np.zeros(len(self), np.bool_)
        kept[positions[positions >= 0]] = True
        self.present[~kept] = False

    @property
    def postings_due(self) -> bool:
        """Whether so much has changed since the postings were made that they should be made anew."""
        if len(self) <= LARGE:
            return False
        return self.postings is None or len(self.changed) > _MOST_CHANGED + len(self) // 50

    def _note_change(self) -> None:
        self.change_count += 1
        self._masks.clear()

    def _append(self, new: Sequence[CatalogueItem]) -> None:
        """Give items the next positions: column by column, a tenth of what it costs value by value."""
        if not new:
            return
        first, end = len(self.item_ids), len(self.item_ids) + len(new)
        capacity = len(self._numbers["present"])
        if end > capacity:
            more = max(end - capacity, capacity)
            self._numbers = {
                name: np.concatenate([column, np.zeros(more, column.dtype)]) for name, column in self._numbers.items()
            }
        columns = zip(*map(self._values, new), strict=True)
        for name, values in zip(_COLUMNS, columns, strict=True):
            self._numbers[name][first:end] = values
        self.item_ids.extend(item.item_id for item in new)
        self.words.extend([item.words for item in new])
        self.changed.extend(range(first, end))

    def _replace(self, position: int, item: CatalogueItem) -> None:
        self.words.replace(position, item.words)
        numbers, values = self._numbers, dict(zip(_COLUMNS, self._values(item), strict=True))
        if any(numbers[name][position] != values[name] for name in _PLACE):
            self.changed.append(position)
        for name, value in values.items():
            numbers[name][position] = value

    def _values(self, item: CatalogueItem) -> tuple[float, ...]:
        """What _COLUMNS has of an item."""
        return (
            item.price_minor,
            item.list_price_minor,
            min(item.stock, _MOST_STOCK),
            item.created_s,
            self.brands.code(item.brand),
            self.categories.code(item.category),
            True,
        )

    def _column(self, name: str) -> NDArray:  # type: ignore[type-arg]
        return self._numbers[name][: len(self.item_ids)]


_PLACE = ("brand_code", "category_code", "created_s")
"""Columns that decide where an item is in the postings."""
_COLUMNS: dict[str, type[np.generic]] = {
    "price_minor": np.int64,
    "list_price_minor": np.int64,
    "stock": np.int32,
    "created_s": np.float64,
    "brand_code": np.int32,
    "category_code": np.int32,
    "present": np.bool_,
}
_MOST_STOCK = int(np.iinfo(np.int32).max)
