"""Several networks of one kind that differ by their seed alone: their mean is steadier, and better, than each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.sequence_learning.model import SequenceModel


@dataclass(frozen=True)
class SequenceEnsemble:
    """Scores are the members' mean."""

    members: tuple[SequenceModel, ...]

    @property
    def epochs(self) -> int:
        """How many epochs each member learned."""
        return self.members[0].epochs

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]`"""
        scores = self.members[0].score(histories)
        for member in self.members[1:]:
            scores += member.score(histories)
        return scores / np.float32(len(self.members))


def train_members(
    train_one: Callable[[Training], SequenceModel], training: Training, count: int
) -> SequenceModel | SequenceEnsemble:
    """Train so many; with a measure, the first finds out how long to learn, and the others learn as long.

    Lakshminarayanan, Pritzel & Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles"
    (NeurIPS 2017): other initial weights and orders are enough to make members differ.
    """
    first = train_one(training)
    if count == 1:
        return first
    rest = replace(training, measure=None, epochs=first.epochs)
    seeds = (training.seed + 1_000 * number for number in range(1, count))
    return SequenceEnsemble((first, *(train_one(replace(rest, seed=seed)) for seed in seeds)))
