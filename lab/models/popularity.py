"""What most users have: the least that any other model must beat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training

USES_ORDER = False


@dataclass(frozen=True)
class Config:
    """There is nothing to set."""


@dataclass(frozen=True)
class Popularity:
    """The same scores for everyone."""

    users_of_item: NDArray[np.float32]
    """`[items]`"""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` how many users have each item."""
        return np.tile(self.users_of_item, (len(histories), 1))


def train(histories: Histories, training: Training, config: Config) -> Popularity:
    """Count users."""
    del training, config
    return Popularity(np.asarray(histories.matrix().sum(axis=0), np.float32).ravel())
