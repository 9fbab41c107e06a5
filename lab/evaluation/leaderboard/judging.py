"""What a trained model's answers say of it, in one pass over the users: ranks, coverage, popularity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model
from lab.leaderboard.ranking import ranks_of

AT = 10
USERS_AT_A_TIME = 256


@dataclass(frozen=True)
class Judged:
    """A model's answers to users whose next item is known."""

    ranks: NDArray[np.float64]
    """`[users]` of the next item, from 1."""
    shown: NDArray[np.int64]
    """`[items]` how often each item is among a user's ten best."""

    @property
    def coverage(self) -> float:
        """Share of the items that at least one user is shown."""
        return float((self.shown > 0).mean())

    def popularity(self, users_of_item: NDArray[np.int64]) -> float:
        """Mean share of all items that are less used than a shown one: .5 would be no bias to popular items."""
        order = np.argsort(np.argsort(users_of_item, kind="stable"), kind="stable") / max(len(users_of_item) - 1, 1)
        return float(np.average(order, weights=self.shown)) if self.shown.sum() else float("nan")


def judge(model: Model, histories: Histories, targets: NDArray[np.int32]) -> Judged:
    """Rank every user's next item, and count what the ten best are."""
    ranks, shown = [np.empty(0)], np.zeros(histories.item_count, np.int64)
    for first in range(0, len(histories), USERS_AT_A_TIME):
        users = np.arange(first, min(first + USERS_AT_A_TIME, len(histories)))
        part = histories.take(users)
        scores = np.array(model.score(part), np.float32)
        ranks.append(ranks_of(scores, part, targets[users]))
        # `ranks_of` has sunk what the user has used already.
        best = np.argpartition(-scores, min(AT, scores.shape[1]) - 1, axis=1)[:, :AT]
        shown += np.bincount(best.ravel(), minlength=len(shown))
    return Judged(np.concatenate(ranks), shown)
