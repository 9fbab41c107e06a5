"""A linear autoencoder: EASE (Steck, "Embarrassingly Shallow Autoencoders", WWW 2019) whose shrinkage grows with an
item's popularity, as dropout would make it (Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS
2020, section 3), and whose scores are taken back by popularity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.item_regression import AmongItems, AmongUsers, solve
from lab.leaderboard.model import Training
from lab.leaderboard.popularity_discount import Discounted, discounts

USES_ORDER = False

GRID = {
    "regularisation": (10.0, 20.0, 40.0, 70.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 900.0, 1300.0, 2000.0, 3000.0),
    "popularity_power": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
    "penalty_power": (0.0, 0.15, 0.3, 0.45, 0.6, 0.8),
    "user_power": (0.0, 0.25, 0.5, 0.75),
}


@dataclass(frozen=True)
class Config:
    """How strongly weights are shrunk, and whose."""

    regularisation: float = 200.0
    """λ, added to a mean item's count of users."""
    popularity_power: float = 0.1
    """The score of an item of n users is divided by n^power: those who are judged have less of the popular than the
    squares of errors make of it.
    """
    penalty_power: float = 0.15
    """An item of n users has the penalty λ · (n / mean)^power; 0 is EASE, 1 is dropout of items."""
    user_power: float = 0.0
    """A user of n items counts n^−power: 0 counts items alike, 1 counts users alike; the mean over items stays 1."""


def train(histories: Histories, training: Training, config: Config) -> Discounted[AmongItems | AmongUsers]:
    """Solve for the weights in closed form."""
    del training
    matrix = histories.matrix()
    weights = user_weights(np.diff(matrix.indptr), config.user_power)
    counts = np.maximum(np.asarray(matrix.T @ weights, np.float64).ravel(), 1.0)
    penalties = config.regularisation * (counts / counts.mean()) ** config.penalty_power
    return Discounted(
        solve(matrix, np.asarray(penalties, np.float32), weights), discounts(matrix, config.popularity_power)
    )


def user_weights(sizes: NDArray[np.int32], power: float) -> NDArray[np.float32]:
    """`[users]` n^−power of users with n items, scaled so that the mean over items is 1."""
    raw = np.maximum(sizes, 1).astype(np.float64) ** -power
    return np.asarray(raw * sizes.sum() / max(float((raw * sizes).sum()), 1e-12), np.float32)
