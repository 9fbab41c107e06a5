"""Scores that stand for chances, taken back by how popular an item is."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model

Inner = TypeVar("Inner", bound=Model)


@dataclass(frozen=True)
class Discounted(Generic[Inner]):
    """A model with scores that are multiplied item by item."""

    model: Inner
    factors: NDArray[np.float32]
    """`[items]`"""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` the model's scores times the items' factors."""
        return np.asarray(self.model.score(histories) * self.factors, np.float32)


def discounts(matrix: csr_matrix, power: float) -> NDArray[np.float32]:
    """`[items]` n^−power of items with n users; items of nobody count as those of one."""
    counts = np.asarray(matrix.sum(axis=0), np.float64).ravel()
    return np.asarray(np.maximum(counts, 1.0) ** -power, np.float32)
