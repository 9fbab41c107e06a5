"""What users did, in order, as packed columns: what every model is trained on and answers for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Histories:
    """Each user's items, oldest first. Users are numbered from 0 in the order given; items are rows of a vocabulary."""

    starts: NDArray[np.int64]
    """`[users + 1]`: user u has the entries starts[u] to starts[u + 1]."""
    rows: NDArray[np.int32]
    """`[entries]` item row of each entry, oldest first within a user."""
    item_count: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], item_count: int) -> "Histories":
        """One user a sequence of item rows, oldest first."""
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(starts, np.array([row for each in rows for row in each], np.int32), item_count)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`[users]` entries of each user."""
        return np.diff(self.starts)

    def owners(self) -> NDArray[np.int64]:
        """`[entries]` user of each entry."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def ages(self) -> NDArray[np.int64]:
        """`[entries]` steps before the user's newest entry, which has 0."""
        return self.starts[1:][self.owners()] - 1 - np.arange(len(self.rows))

    def of_user(self, user: int) -> NDArray[np.int32]:
        """The user's item rows, oldest first."""
        return self.rows[self.starts[user] : self.starts[user + 1]]

    def take(self, users: NDArray[np.int64]) -> "Histories":
        """The given users, in that order."""
        sizes = self.sizes[users]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        entries = np.arange(starts[-1]) + np.repeat(self.starts[:-1][users] - starts[:-1], sizes)
        return Histories(starts, self.rows[entries], self.item_count)

    def masked(self, kept: NDArray[np.bool_]) -> "Histories":
        """The same users with only the entries of a mask `[entries]`."""
        sizes = np.bincount(self.owners()[kept], minlength=len(self))
        return Histories(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), self.rows[kept], self.item_count)

    def newest(self, count: int) -> "Histories":
        """The same users with at most so many entries, the newest."""
        return self.masked(self.ages() < count)

    def without_newest(self) -> tuple["Histories", NDArray[np.int32]]:
        """The same users without their newest entry, and that entry `[users]`; −1 and nothing for an empty user."""
        full = self.sizes > 0
        targets = np.full(len(self), -1, np.int32)
        targets[full] = self.rows[self.starts[1:][full] - 1]
        return self.masked(self.ages() > 0), targets

    def matrix(self) -> csr_matrix:
        """`[users, items]` float32, 1 where the user has the item at least once."""
        ones = np.ones(len(self.rows), np.float32)
        # A copy: joining what repeats sorts the columns where they lie, and the order of a history must stay.
        matrix = csr_matrix((ones, self.rows, self.starts), shape=(len(self), self.item_count), copy=True)
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix
