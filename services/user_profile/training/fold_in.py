"""Measuring an encoder on users it was not trained on: part of their items goes in, the rest must come out on top."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.user_profile.training.interaction_matrix import InteractionMatrix

Scorer = Callable[[InteractionMatrix], NDArray[np.float32]]
"""From the users' given items to scores `[users, items]`."""

NDCG_AT = 100
RECALL_AT = 20
_USERS_AT_A_TIME = 512


@dataclass(frozen=True)
class FoldIn:
    """Users whose items are split into what is given and what is held back (Liang et al. 2018, section 4.2)."""

    given: InteractionMatrix
    held_back: InteractionMatrix

    @classmethod
    def split(cls, users: InteractionMatrix, random: np.random.Generator, share_given: float = 0.8) -> "FoldIn":
        """Split every user with two items or more; at least one item is given and one held back."""
        users = users.rows(np.flatnonzero(users.sizes >= 2))
        given = np.zeros(len(users.columns), np.bool_)
        for start, end in zip(users.starts[:-1].tolist(), users.starts[1:].tolist(), strict=True):
            count = min(max(round((end - start) * share_given), 1), end - start - 1)
            given[start + random.permutation(end - start)[:count]] = True
        return cls(users.masked(given), users.masked(~given))

    def measure(self, score: Scorer) -> dict[str, float]:
        """Mean NDCG@100 and Recall@20 over the users; given items are not recommended again."""
        ndcg: list[float] = []
        recall: list[float] = []
        for first in range(0, len(self.given), _USERS_AT_A_TIME):
            users = np.arange(first, min(first + _USERS_AT_A_TIME, len(self.given)))
            given, held_back = self.given.rows(users), self.held_back.rows(users)
            scores = np.array(score(given), np.float32)
            scores[given.indicator()] = -np.inf
            relevant = held_back.indicator()
            hits = np.take_along_axis(relevant, best_items(max(NDCG_AT, RECALL_AT), scores), axis=1)
            ndcg += ndcg_at(NDCG_AT, hits, relevant.sum(axis=1)).tolist()
            recall += recall_at(RECALL_AT, hits, relevant.sum(axis=1)).tolist()
        return {f"ndcg_{NDCG_AT}": _mean(ndcg), f"recall_{RECALL_AT}": _mean(recall)}


def best_items(k: int, scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """`[users, k]` items by descending score; of equal scores the first item comes first, but for those on the edge.

    The edge is left to chance because finding k of n costs a tenth of sorting n, and this runs after every epoch.
    """
    k = min(k, scores.shape[1])
    found = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def ndcg_at(k: int, hits: NDArray[np.bool_], relevant_counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """`[users]` NDCG@k of `[users, ≥ k]` whether each best item is relevant; users need one relevant item."""
    hits = hits[:, :k]
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(relevant_counts, hits.shape[1])]
    return np.asarray((hits * discounts).sum(axis=1) / ideal)


def recall_at(k: int, hits: NDArray[np.bool_], relevant_counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """`[users]` share of the relevant items among the k best, of at most k."""
    hits = hits[:, :k]
    return np.asarray(hits.sum(axis=1) / np.minimum(relevant_counts, hits.shape[1]))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0
