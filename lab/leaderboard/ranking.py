"""Where the held-out item of each user stands among all the items that the user has not used."""

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories


def ranks_of(scores: NDArray[np.float32], histories: Histories, targets: NDArray[np.int32]) -> NDArray[np.float64]:
    """`[users]` rank of each target from 1, by descending score, among the items that are not in the user's history;
    ties get their mean rank. A target that is in the history is ranked as if it were not.

    Args:
        scores: `[users, items]`, changed: what a user has used sinks to −inf.
        histories: what each user has used.
        targets: `[users]` item rows.

    """
    users = np.arange(len(targets))
    own = scores[users, targets].copy()
    scores[histories.owners(), histories.rows] = -np.inf
    scores[users, targets] = own
    better = (scores > own[:, None]).sum(axis=1)
    equal = (scores == own[:, None]).sum(axis=1) - 1
    return np.asarray(1.0 + better + equal / 2.0, np.float64)


def hits(ranks: NDArray[np.float64], at: int = 10) -> NDArray[np.float64]:
    """`[users]` 1 where the target is among the first `at`."""
    return (ranks <= at).astype(np.float64)


def gains(ranks: NDArray[np.float64], at: int = 10) -> NDArray[np.float64]:
    """`[users]` NDCG@`at` of one relevant item."""
    return np.where(ranks <= at, 1.0 / np.log2(1.0 + ranks), 0.0)
