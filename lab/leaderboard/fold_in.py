"""Users whose items are parted into what a model is given and what must come out on top (strong generalisation)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model
from services.user_profile.training.fold_in import best_items, ndcg_at, recall_at

NDCG = "ndcg_100"
MEASURES: Mapping[str, Callable[[NDArray[np.bool_], NDArray[np.int64]], NDArray[np.float64]]] = {
    NDCG: lambda hits, counts: ndcg_at(100, hits, counts),
    "recall_20": lambda hits, counts: recall_at(20, hits, counts),
    "recall_50": lambda hits, counts: recall_at(50, hits, counts),
}
"""By name: from `[users, 100]` whether each best item is relevant and `[users]` how many are, to one figure a user
(Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, section 4.3).
"""

_BEST = 100
_USERS_AT_A_TIME = 512


def distinct(histories: Histories) -> Histories:
    """The same users with each item once, in the order of items: profiles have no order."""
    matrix = histories.matrix()
    return Histories(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), histories.item_count)


@dataclass(frozen=True)
class FoldIn:
    """Users that no model is trained on."""

    given: Histories
    held_back: Histories

    @classmethod
    def split(cls, users: Histories, random: np.random.Generator, share_given: float = 0.8) -> "FoldIn":
        """Part every user with two items or more by chance; at least one item is given and one held back."""
        users = users.take(np.flatnonzero(users.sizes >= 2))
        owners = users.owners()
        order = np.lexsort((random.random(len(users.rows)), owners))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - users.starts[:-1][owners]
        counts = np.clip(np.round(users.sizes * share_given).astype(np.int64), 1, users.sizes - 1)
        given = place < counts[owners]
        return cls(users.masked(given), users.masked(~given))

    def measure(self, model: Model) -> dict[str, NDArray[np.float64]]:
        """Each measure `[users]` of a model's scores."""
        parts = []
        for first in range(0, len(self.given), _USERS_AT_A_TIME):
            users = np.arange(first, min(first + _USERS_AT_A_TIME, len(self.given)))
            part = FoldIn(self.given.take(users), self.held_back.take(users))
            # A copy: a model may answer with an array that it keeps.
            parts.append(part.of_scores(np.array(model.score(part.given), np.float32)))
        return {name: np.concatenate([part[name] for part in parts]) for name in MEASURES}

    def of_scores(self, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Each measure `[users]` of scores `[users, items]`, in which what is given sinks to −inf."""
        scores[self.given.owners(), self.given.rows] = -np.inf
        relevant = self.held_back.matrix().toarray() > 0
        hits = np.take_along_axis(relevant, best_items(_BEST, scores), axis=1)
        counts = relevant.sum(axis=1)
        return {name: measure(hits, counts) for name, measure in MEASURES.items()}

    def ndcg(self, model: Model) -> float:
        """Mean NDCG@100: what choices are made by."""
        return float(self.measure(model)[NDCG].mean())


@dataclass(frozen=True)
class Fold:
    """Some users are learnt from, the others judge."""

    training: Histories
    judging: FoldIn


def folds(users: Histories, count: int, held_out: int, seed: int) -> list[Fold]:
    """`count` folds that hold out `held_out` users each, none twice."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(users))
    made = []
    for number in range(count):
        out = order[number * held_out : (number + 1) * held_out]
        rest = np.setdiff1d(order, out)
        made.append(Fold(users.take(rest), FoldIn.split(users.take(out), random)))
    return made
