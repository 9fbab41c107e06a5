"""What is known of items at this moment, in columns: one entry a candidate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CodedTexts(Sequence[str]):
    """A column of texts, each a number into few names: what is known of a name is looked up once, not once an item."""

    codes: NDArray[np.int32]
    """`[n]`"""
    names: Sequence[str]
    """Name by code."""
    code_of: Mapping[str, int]
    """Code by name."""

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return CodedTexts(self.codes[place], self.names, self.code_of)
        return self.names[int(self.codes[place])]

    def __iter__(self) -> Iterator[str]:
        names = self.names
        return (names[code] for code in self.codes.tolist())


def looked_up(texts: Sequence[str], values: Mapping[str, float], otherwise: float) -> NDArray[np.float64]:
    """`[n]` the value of each text."""
    if not isinstance(texts, CodedTexts) or len(values) > len(texts):
        return np.array([values.get(text, otherwise) for text in texts], np.float64)
    of_name = np.full(len(texts.names), otherwise, np.float64)
    for text, value in values.items():
        code = texts.code_of.get(text)
        if code is not None:
            of_name[code] = value
    return of_name[texts.codes]


@dataclass(frozen=True)
class ItemFacts:
    """Columns of equal length n, aligned by position. Prices, popularity, stock and age travel with every request."""

    item_ids: Sequence[str]
    rows: NDArray[np.int32]
    """`[n]` row of the item in the release's vocabulary; −1 for items newer than the release."""
    price_minor: NDArray[np.int64]
    """`[n]`; 0 or less when unknown."""
    list_price_minor: NDArray[np.int64]
    """`[n]` price before discount; 0 or less when there is none."""
    brands: Sequence[str]
    categories: Sequence[str]
    """Paths such as "Women/Dresses"."""
    price_bands: Sequence[str]
    """The price band's label."""
    popularity_1d: NDArray[np.float32]
    """`[n]` weighted actions of the last day."""
    popularity_7d: NDArray[np.float32]
    popularity_30d: NDArray[np.float32]
    stock: NDArray[np.int32]
    """`[n]`; −1 when not counted."""
    age_days: NDArray[np.float32]
    """`[n]` since the item was created."""
    new_vectors: NDArray[np.float32]
    """`[k, 128]` image 64 + text 64 (zeros where missing) of the k candidates whose row is −1, in their order."""

    def __len__(self) -> int:
        return len(self.item_ids)

    def of_items(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """`[n]` the value of each item by its id; 0 for items without one."""
        place_of = self._place_of
        if len(place_of) < len(self):  # an item stands twice
            return np.array([values.get(item_id, 0.0) for item_id in self.item_ids], np.float64)
        found = np.zeros(len(self))
        for item_id, value in values.items():
            place = place_of.get(item_id)
            if place is not None:
                found[place] = value
        return found

    @cached_property
    def _place_of(self) -> Mapping[str, int]:
        return dict(zip(self.item_ids, range(len(self)), strict=True))

    def __post_init__(self) -> None:
        """Checks that the columns fit together."""
        for column in fields(self):
            if column.name != "new_vectors" and len(getattr(self, column.name)) != len(self.item_ids):
                raise ValueError(f"Column {column.name} has {len(getattr(self, column.name))} of {len(self)} entries.")
        unknown = int((self.rows < 0).sum())
        if self.new_vectors.shape[0] != unknown:
            raise ValueError(f"{unknown} candidates are new but {self.new_vectors.shape[0]} new vectors came along.")
