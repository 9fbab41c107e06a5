"""Scores of several models on one scale, and how much each counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.fold_in import NDCG, Fold
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model


@dataclass(frozen=True)
class Blend:
    """Models that vote, each with a share."""

    models: Sequence[Model]
    shares: Sequence[float]
    """One a model; their sum is 1."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` weighted mean of the standardised scores."""
        total = np.zeros((len(histories), histories.item_count), np.float32)
        for model, share in zip(self.models, self.shares, strict=True):
            total += np.float32(share) * standardised(model.score(histories), histories)
        return total


def standardised(scores: NDArray[np.float32], histories: Histories) -> NDArray[np.float32]:
    """`[users, items]` mean 0 and standard deviation 1 over the items that a user has not; theirs count as 0."""
    owners, rows = histories.owners(), histories.rows
    free = np.ones(scores.shape, np.float32)
    free[owners, rows] = 0.0
    counts = np.maximum(free.sum(axis=1, keepdims=True), 1.0)
    centred = (scores - (scores * free).sum(axis=1, keepdims=True) / counts) * free
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / counts)
    return np.asarray(centred / np.maximum(deviation, 1e-12), np.float32)


def choose_shares(models: Sequence[Sequence[Model]], held: Sequence[Fold], steps: int) -> tuple[list[float], float]:
    """The share of each model with the best NDCG@100 on held-out users, and that NDCG.

    Step by step the model joins that helps the mean most, the same one as often as it pays (Caruana et al., "Ensemble
    Selection from Libraries of Models", ICML 2004); of all steps the best is kept.

    Args:
        models: for each model one a fold, trained without the fold's judges.
        held: the folds.
        steps: shares are multiples of 1 over the steps taken.

    """
    scores = [
        [standardised(each.score(fold.judging.given), fold.judging.given) for each, fold in zip(one, held, strict=True)]
        for one in models
    ]
    counts = np.zeros(len(models), np.int64)
    sums = [np.zeros_like(part) for part in scores[0]]
    best, best_counts = -1.0, counts
    for _ in range(steps):
        tried = [_ndcg([total + part for total, part in zip(sums, one, strict=True)], held) for one in scores]
        joins = int(np.argmax(tried))
        counts = counts + (np.arange(len(models)) == joins)
        sums = [total + part for total, part in zip(sums, scores[joins], strict=True)]
        if tried[joins] > best:
            best, best_counts = tried[joins], counts
    return [float(count / best_counts.sum()) for count in best_counts], best


def _ndcg(scores: Sequence[NDArray[np.float32]], held: Sequence[Fold]) -> float:
    found = [fold.judging.of_scores(part)[NDCG] for part, fold in zip(scores, held, strict=True)]
    return float(np.concatenate(found).mean())
