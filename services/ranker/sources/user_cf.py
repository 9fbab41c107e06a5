"""Items of people like the visitor (user-based collaborative filtering).

A release holds no row of any user, so "people like you" are groups: centres of users with alike histories, each of
several users, and what each group did with the items.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source, only
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class UserCollaborativeFiltering(Source):
    """What the nearest groups of users use, each weighted by its likeness to the visitor."""

    name = "user_cf"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._factors = np.asarray(arrays["item_factors"], np.float32)
        self._centres = np.asarray(arrays["centres"], np.float32)
        usage = arrays if "usage_rows" in arrays else sparse_usage(arrays["usage"])
        self._starts = np.asarray(usage["usage_starts"], np.int64)
        self._used, self._shares = usage["usage_rows"], usage["usage_shares"]
        self._nearest = int(arrays["nearest"])
        self._sharpness = float(arrays["sharpness"])

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Expected use, a weighted mean of the groups' shares of users who used the item."""
        taste = seeds.weights @ self._factors[seeds.rows]
        length = float(np.linalg.norm(taste))
        if length < 1e-9:
            return Scored(np.zeros(0, np.float32), np.zeros(0, np.int32))
        likeness = self._centres @ (taste / length)
        nearest = np.argsort(-likeness, kind="stable")[: self._nearest]
        weights = np.exp(self._sharpness * (likeness[nearest] - likeness[nearest[0]]))
        spans = [slice(self._starts[group], self._starts[group + 1]) for group in nearest.tolist()]
        used, place = np.unique(np.concatenate([self._used[span] for span in spans]), return_inverse=True)
        parts = [share * self._shares[span] for share, span in zip(weights / weights.sum(), spans, strict=True)]
        scores = np.bincount(place.ravel(), np.concatenate(parts), len(used))
        kept = scores > 0
        return only(Scored(scores[kept].astype(np.float32), used[kept].astype(np.int32)), rows)


def sparse_usage(usage: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """`[groups, items]` shares of users as `usage_starts [groups + 1]`, `usage_rows` and `usage_shares`."""
    group, row = np.nonzero(usage)
    starts = np.searchsorted(group, np.arange(len(usage) + 1))
    return {
        "usage_starts": starts.astype(np.int64),
        "usage_rows": row.astype(np.int32),
        "usage_shares": usage[group, row].astype(np.float16),
    }
