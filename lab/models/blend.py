"""A learned mixture of the other models: what each tells better than the others do.

Weights and settings are chosen on each user's newest item, held out inside the training histories; then every part is
trained on all of them. Jahrer, Töscher & Legenstein, "Combining Predictions for Accurate Recommender Systems" (KDD
2010); Claypool et al. 1999 for weighted sums.
"""

from dataclasses import dataclass

from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part, train_parts
from lab.leaderboard.model import Model, Training
from lab.leaderboard.selection import BLEND, select

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """What is mixed."""

    parts: tuple[Part, ...] = ()
    """With their weights, where they were chosen before; else they are chosen."""


def train(histories: Histories, training: Training, config: Config) -> Model:
    """Choose the parts and train them. Raises: NothingHeldOutError."""
    parts = config.parts or select(BLEND, histories, training).parts
    return train_parts(parts, histories, training)
