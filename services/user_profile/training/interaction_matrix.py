"""Users by items as a sparse matrix: what the autoencoders are trained and measured on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.user_profile.model.interactions import InteractionVector, Norm


@dataclass(frozen=True)
class InteractionMatrix:
    """Rows are users, columns the items of the vocabulary; compressed by rows."""

    starts: NDArray[np.int64]
    """`[users + 1]`: user u has the entries starts[u] to starts[u + 1]."""
    columns: NDArray[np.int32]
    """`[entries]` item of each entry."""
    weights: NDArray[np.float32]
    """`[entries]` positive weights, damped but not normalised by user."""
    item_count: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`[users]` number of items of each user."""
        return np.diff(self.starts)

    @classmethod
    def of(cls, vectors: Sequence[InteractionVector], item_count: int) -> "InteractionMatrix":
        """One row a vector; empty vectors are left out, because nothing can be learnt from them."""
        kept = [vector for vector in vectors if len(vector)]
        starts = np.cumsum([0, *map(len, kept)], dtype=np.int64)
        if not kept:
            return cls(starts, np.zeros(0, np.int32), np.zeros(0, np.float32), item_count)
        columns = np.concatenate([vector.rows for vector in kept])
        return cls(starts, columns, np.concatenate([vector.weights for vector in kept]), item_count)

    def rows(self, users: NDArray[np.int64]) -> "InteractionMatrix":
        """The given rows, in that order."""
        sizes = self.sizes[users]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        # Entry k of the answer is entry k − (its row's new start) + (its row's old start) of this matrix.
        entries = np.arange(starts[-1]) + np.repeat(self.starts[users] - starts[:-1], sizes)
        return InteractionMatrix(starts, self.columns[entries], self.weights[entries], self.item_count)

    def masked(self, kept: NDArray[np.bool_]) -> "InteractionMatrix":
        """The same users with only the entries of a mask `[entries]`."""
        sizes = np.add.reduceat(np.append(kept, False).astype(np.int64), self.starts[:-1])
        sizes[self.sizes == 0] = 0
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return InteractionMatrix(starts, self.columns[kept], self.weights[kept], self.item_count)

    def owners(self) -> NDArray[np.int64]:
        """`[entries]` user of each entry."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def dense(self, norm: Norm) -> NDArray[np.float32]:
        """`[users, items]` the encoder's input: each row has norm 1 (or is 0)."""
        owners = self.owners()
        if norm == "l1":
            lengths = np.bincount(owners, self.weights, len(self))
        else:
            lengths = np.sqrt(np.bincount(owners, self.weights.astype(np.float64) ** 2, len(self)))
        matrix = np.zeros((len(self), self.item_count), np.float32)
        matrix[owners, self.columns] = self.weights / lengths[owners]
        return matrix

    def targets(self) -> NDArray[np.float32]:
        """`[users, items]` what is to be reconstructed: weights whose mean over the user's items is 1, so that a user
        counts as in a matrix of ones, by the number of items.
        """
        owners = self.owners()
        means = np.bincount(owners, self.weights, len(self)) / np.maximum(self.sizes, 1)
        matrix = np.zeros((len(self), self.item_count), np.float32)
        matrix[owners, self.columns] = self.weights / means[owners]
        return matrix

    def indicator(self) -> NDArray[np.bool_]:
        """`[users, items]` where there is an entry."""
        matrix = np.zeros((len(self), self.item_count), np.bool_)
        matrix[self.owners(), self.columns] = True
        return matrix

    def popularity(self) -> NDArray[np.float32]:
        """`[items]` number of users of each item."""
        return np.bincount(self.columns, minlength=self.item_count).astype(np.float32)
