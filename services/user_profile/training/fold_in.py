"""Strong generalisation: of a user nobody trained on, 80 % of the items are given and 20 % must be found.

Metrics as in Liang et al. 2018, section 4.2: NDCG with binary relevance, Recall divided by min(k, items to find).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

GIVEN_SHARE = 0.8


@dataclass(frozen=True)
class FoldIn:
    """Users split into what is given and what is to be found."""

    given: NDArray[np.float32]
    """`[n, items]` weights, normalised to length 1."""
    to_find: NDArray[np.bool_]
    """`[n, items]`."""

    def recall(self, scores: NDArray[np.float32], k: int) -> float:
        """Mean Recall@k over the users with something to find."""
        hits = np.take_along_axis(self.to_find, _best(scores, self.given, k), axis=1).sum(axis=1)
        wanted = self.to_find.sum(axis=1)
        return float((hits / np.minimum(wanted, k))[wanted > 0].mean())


def fold_in(users: csr_matrix, random: np.random.Generator) -> FoldIn:
    """Split each user's items at random; users with fewer than two items have nothing to find and are left out."""
    dense = users.toarray().astype(np.float32)
    dense = dense[(dense > 0).sum(axis=1) >= 2]
    given, to_find = dense.copy(), np.zeros(dense.shape, np.bool_)
    for row, weights in enumerate(dense):
        items = random.permutation(np.flatnonzero(weights))
        hidden = items[min(max(round(len(items) * GIVEN_SHARE), 1), len(items) - 1) :]
        given[row, hidden], to_find[row, hidden] = 0.0, True
    given /= np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-12)
    return FoldIn(given, to_find)


def ndcg(scores: NDArray[np.float32], users: FoldIn, k: int) -> float:
    """Mean NDCG@k with binary relevance; items that were given are not ranked."""
    best = _best(scores, users.given, k)
    gains = np.take_along_axis(users.to_find, best, axis=1) / np.log2(np.arange(2, best.shape[1] + 2))
    wanted = users.to_find.sum(axis=1)
    ideal = np.concatenate([[0.0], (1.0 / np.log2(np.arange(2, k + 2))).cumsum()])[np.minimum(wanted, k)]
    return float((gains.sum(axis=1) / np.maximum(ideal, 1e-12))[wanted > 0].mean())


def _best(scores: NDArray[np.float32], given: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """`[n, k]` items by descending score, those that were given left out."""
    ranked = np.where(given > 0, -np.inf, scores)
    return np.argsort(-ranked, axis=1, kind="stable")[:, :k]
