"""Matrix factorisation by alternating least squares; a user is folded in from the history alone.

The training is the release's (`services.ranker.training.sources.als`: Hu, Koren & Volinsky, ICDM 2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from services.ranker.source import ACTION_WEIGHTS
from services.ranker.training.interactions import Interactions
from services.ranker.training.sources import als

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """How factors are found, and how users are folded in."""

    factors: int = 128
    """Length of each vector."""
    confidence: float = 10.0
    """How much more an item of the history counts than any other."""
    regularisation: float = 6.0
    """Of the squared norms."""
    sweeps: int = 10
    """Alternations."""
    recency_steps: float = 4.0
    """A user's item counts exp(−age / this) of the confidence when the user is folded in."""


@dataclass(frozen=True)
class Factors:
    """A vector for each item."""

    items: NDArray[np.float32]
    """`[items, factors]`"""
    gram: NDArray[np.float32]
    """`[factors, factors]` of all items, with the regularisation."""
    config: Config

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` estimated preference: one least-squares step a user (eq. 4), then inner products."""
        users = np.zeros((len(histories), self.items.shape[1]), np.float32)
        confidence = self.config.confidence * np.exp(-histories.ages() / self.config.recency_steps)
        for user in np.flatnonzero(histories.sizes):
            part = slice(histories.starts[user], histories.starts[user + 1])
            used = self.items[histories.rows[part]]
            weighted = (used * confidence[part, None]).T.astype(np.float32)
            users[user] = np.linalg.solve(self.gram + weighted @ used, weighted.sum(axis=1) + used.sum(axis=0))
        return np.asarray(users @ self.items.T, np.float32)


def train(histories: Histories, training: Training, config: Config) -> Factors:
    """Alternate, with every item of a history counting alike."""
    weight, action = max((weight, action) for action, weight in ACTION_WEIGHTS.items())
    entries = len(histories.rows)
    interactions = Interactions(
        users=histories.owners().astype(np.int32),
        rows=histories.rows,
        actions=np.full(entries, action, np.int32),
        age_days=np.zeros(entries, np.float32),
        segments=np.full((entries, 2), "", np.str_),
        user_count=len(histories),
        item_count=histories.item_count,
    )
    # The trainer counts log(1 + weight of the action); here every item counts 1.
    settings = als.AlsConfig(
        factors=min(config.factors, histories.item_count),
        confidence=config.confidence / float(np.log1p(weight)),
        regularisation=config.regularisation,
        sweeps=config.sweeps,
        exact_rows=2_000,
        seed=training.seed,
    )
    arrays = als.train(interactions, settings)
    return Factors(arrays["item_factors"].astype(np.float32), arrays["gram"].astype(np.float32), config)
