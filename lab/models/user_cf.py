"""What the most alike users have: user-based neighbours (Resnick et al. 1994; cosine of binary histories)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training

USES_ORDER = False


@dataclass(frozen=True)
class Config:
    """Who is alike."""

    neighbours: int = 200
    """Users compared with, the most similar."""
    rarity_power: float = 0.5
    """A shared item counts its users to minus this power."""
    sharpness: float = 1.0
    """Similarities are raised to this power: above 1, nearer users count more."""
    target_power: float = 0.2
    """Scores are divided by the users of the item to this power."""


@dataclass(frozen=True)
class UserCf:
    """The training users, and those of every item."""

    users: csr_matrix
    """`[users, items]` 1 where a user has an item."""
    weighted: csr_matrix
    """`[items, users]` the same, each user's vector of length 1, rare items more."""
    item_factor: NDArray[np.float32]
    """`[items]`"""
    config: Config

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` similarity of the neighbours who have an item."""
        similarity = (histories.matrix() @ self.weighted).tocsr()
        similarity.sort_indices()
        near = _strongest(similarity, self.config.neighbours)
        near.data = near.data**self.config.sharpness
        return np.asarray((near @ self.users).toarray() * self.item_factor, np.float32)


def train(histories: Histories, training: Training, config: Config) -> UserCf:
    """Weigh items and bring users' vectors to length 1."""
    del training
    users = histories.matrix()
    count = np.maximum(np.asarray(users.sum(axis=0), np.float64).ravel(), 1.0)
    rarity = count**-config.rarity_power
    weighted = (users @ diags(rarity)).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1), np.float64).ravel())
    unit = diags(1.0 / np.maximum(lengths, 1e-12)) @ weighted @ diags(rarity)
    factor = (count**-config.target_power).astype(np.float32)
    return UserCf(users, unit.T.tocsr().astype(np.float32), factor, config)


def _strongest(matrix: csr_matrix, most: int) -> csr_matrix:
    """The matrix with at most so many entries a row, the largest; ties go to the lower column."""
    sizes = np.diff(matrix.indptr)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((matrix.indices, -matrix.data, owners))
    place = np.arange(len(order)) - matrix.indptr[:-1][owners]
    kept = order[place < most]
    return csr_matrix((matrix.data[kept], (owners[kept], matrix.indices[kept])), shape=matrix.shape)
