"""The release's vocabulary: row k of every table of the release is item k."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Vocabulary:
    """The items a release knows, with what cannot change within it."""

    item_ids: Sequence[str]
    family_ids: Sequence[str]
    """Variants of one product share a family."""
    brands: Sequence[str]
    categories: Sequence[str]
    colours: Sequence[str]
    price_bands: Sequence[str]

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """item_id → row."""
        return {item_id: row for row, item_id in enumerate(self.item_ids)}

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int32]:
        """`[len(item_ids)]` rows, −1 for items the release does not know."""
        row_of = self.row_of
        return np.array([row_of.get(item_id, -1) for item_id in item_ids], np.int32)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads `vocabulary.npz` of a release."""
        with np.load(path, allow_pickle=False) as file:
            columns = {name: [str(value) for value in file[name].tolist()] for name in cls.__dataclass_fields__}
        return cls(**columns)

    def save(self, path: Path) -> None:
        """Writes `vocabulary.npz`: unicode arrays, no pickles."""
        columns = {name: np.array(getattr(self, name), np.str_) for name in self.__dataclass_fields__}
        np.savez_compressed(path, allow_pickle=False, **columns)


def codes(values: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """`[n]` code of each value and the names in code order (sorted). Code 0 with name "" means missing."""
    names = ["", *sorted(set(values) - {""})]
    code_of = {name: code for code, name in enumerate(names)}
    return np.array([code_of[value] for value in values], np.int32), names
