"""The items that count when models are mixed: each model's first, for users whose next item is known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.held_out import AT, BATCH, HeldOut
from lab.leaderboard.ranking import gains

LENGTH = 60
"""First items of each model: an item that is among the first ten of a mixture is hardly beyond these in all of them."""
STEPS = (0.0, 0.5, 0.8, 1.25, 2.0)
"""What a weight is multiplied by in the search; a weight of 0 comes back as `REVIVED`."""
REVIVED = 0.1
LEAST_GAIN = 1e-6
"""Of the objective, for a step to be taken."""


@dataclass(frozen=True)
class Shortlists:
    """Comparable scores of the models."""

    others: NDArray[np.float32]
    """`[users, candidates, models]`; −1e6 where a user has fewer candidates."""
    targets: NDArray[np.float32]
    """`[users, models]`"""

    def ranks(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """`[users]` rank of the target by the weighted sum, from 1, ties with their mean rank."""
        weights = weights.astype(np.float32)
        target = self.targets @ weights
        others = self.others @ weights
        better, equal = others > target[:, None], others == target[:, None]
        return np.asarray(1.0 + better.sum(axis=1) + equal.sum(axis=1) / 2.0)

    def objective(self, weights: NDArray[np.float64]) -> float:
        """NDCG@10, and a little NDCG@50: with few users, the first alone says little of small steps."""
        ranks = self.ranks(weights)
        return float(gains(ranks, AT).mean() + 0.2 * gains(ranks, 5 * AT).mean())


def shortlists(scores: list[NDArray[np.float32]], held: HeldOut) -> Shortlists:
    """Gather each user's candidates from the models' comparable scores `[users, items]`, which are changed."""
    users = np.arange(len(held))
    targets = np.stack([each[users, held.targets] for each in scores], axis=1)
    length = min(LENGTH, held.histories.item_count)
    used = (held.histories.owners(), held.histories.rows)
    chosen = []
    for each in scores:
        lowest = each.min()
        each[used] = lowest - 1.0
        each[users, held.targets] = lowest - 1.0
        chosen.append(_first(each, length))
    rows = np.sort(np.concatenate(chosen, axis=1), axis=1)
    again = np.zeros(rows.shape, np.bool_)
    again[:, 1:] = rows[:, 1:] == rows[:, :-1]
    others = np.stack([np.take_along_axis(each, rows, axis=1) for each in scores], axis=2)
    others[again] = -1e6
    return Shortlists(others, targets)


def _first(scores: NDArray[np.float32], length: int) -> NDArray[np.int32]:
    """`[users, length]` rows of the highest scores; a part at a time, because places take twice the memory."""
    parts = np.array_split(scores, max(len(scores) // BATCH, 1))
    return np.concatenate([np.argpartition(-each, length - 1, axis=1)[:, :length].astype(np.int32) for each in parts])


def best_weights(lists: Shortlists) -> NDArray[np.float64]:
    """`[models]` with a sum of 1: the best found by steps of one weight at a time, from each model and from all."""
    count = lists.targets.shape[1]
    starts = [np.full(count, 1.0 / count), *np.eye(count)]
    climbed = [_climb(lists.objective, start) for start in starts]
    return max(climbed, key=lambda found: found[1])[0]


def _climb(
    objective: Callable[[NDArray[np.float64]], float], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    best = objective(weights)
    moved = True
    while moved:
        moved = False
        for place in range(len(weights)):
            for step in STEPS if weights[place] else (1.0,):
                tried = weights.copy()
                tried[place] = tried[place] * step if tried[place] else REVIVED
                if not tried.sum():
                    continue
                tried /= tried.sum()
                value = objective(tried)
                if value > best + LEAST_GAIN:
                    weights, best, moved = tried, value, True
    return weights, best
