"""The release's vocabulary: row k of every table of the release is item k."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.kit.array_files import map_arrays, write_arrays
from services.kit.texts import pack_texts, unpack_texts


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
        return np.fromiter(map(self.row_of.get, item_ids, repeat(-1)), np.int32)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads `vocabulary.npz` of a release."""
        arrays = map_arrays(path)
        return cls(**{name: unpack_texts(name, arrays) for name in cls.__dataclass_fields__})

    def save(self, path: Path) -> None:
        """Writes `vocabulary.npz`: packed texts, no pickles."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in self.__dataclass_fields__:
            arrays |= pack_texts(name, getattr(self, name))
        write_arrays(path, arrays)


def codes(values: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """`[n]` code of each value and the names in code order (sorted). Code 0 with name "" means missing."""
    names = ["", *sorted(set(values) - {""})]
    code_of = {name: code for code, name in enumerate(names)}
    return np.array([code_of[value] for value in values], np.int32), names
