"""Items that stand near the user's newest items in others' histories: item-based neighbours that know order.

Deshpande & Karypis, "Item-Based Top-N Recommendation Algorithms" (TOIS 2004), with the decays of distance and recency
that Ludewig & Jannach found to matter ("Evaluation of Session-based Recommendation Algorithms", UMUAI 2018).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.windows import entry_items, looking_ahead, recency

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """How near items count."""

    window: int = 30
    """Items further apart in a history are no neighbours."""
    distance_steps: float = 6.0
    """exp(−distance / this) is what a pair counts."""
    backward: float = 0.3
    """What an item counts that came before, where the item after counts 1."""
    recency_steps: float = 3.0
    """exp(−age / this) is what an item of the user's history counts."""
    source_power: float = 0.3
    """Counts are divided by the users of the item in the history to this power."""
    target_power: float = 0.0
    """Counts are divided by the users of the neighbour to this power."""
    shrinkage: float = 1.0
    """Added to the users of an item before the power: those with few users are trusted less."""
    user_power: float = 0.0
    """A user with n items counts n to minus this power."""


@dataclass(frozen=True)
class ItemCf:
    """How near items are to each other."""

    nearness: csr_matrix
    """`[items, items]` float32, from an item of the history to what follows it."""
    recency_steps: float

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` sum of nearness over the history, newer items more."""
        return np.asarray((recency(histories, self.recency_steps) @ self.nearness).toarray(), np.float32)


def train(histories: Histories, training: Training, config: Config) -> ItemCf:
    """Count pairs and divide by how common both are."""
    del training
    users_of_item = np.asarray(histories.matrix().sum(axis=0), np.float64).ravel() + config.shrinkage
    of_user = np.maximum(histories.sizes, 1.0)[histories.owners()] ** -config.user_power
    ahead = looking_ahead(histories, config.window, config.distance_steps)
    forward = (entry_items(histories).T @ diags(of_user) @ ahead).tocsr()
    both = forward + config.backward * forward.T
    nearness = diags(users_of_item**-config.source_power) @ both @ diags(users_of_item**-config.target_power)
    nearness = nearness.tocsr().astype(np.float32)
    nearness.sort_indices()
    return ItemCf(nearness, config.recency_steps)
