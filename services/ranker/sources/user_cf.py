"""Items of people like the visitor (user-based collaborative filtering).

A release holds no row of any user, so "people like you" are groups: centres of users with alike histories, each of
several users, and what each group did with the items.
"""

import numpy as np

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class UserCollaborativeFiltering(Source):
    """What the nearest groups of users use, each weighted by its likeness to the visitor."""

    name = "user_cf"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._factors = arrays["item_factors"].astype(np.float32)
        self._centres = arrays["centres"].astype(np.float32)
        self._usage = arrays["usage"].astype(np.float32)
        self._nearest = int(arrays["nearest"])
        self._sharpness = float(arrays["sharpness"])

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Expected use, a weighted mean of the groups' shares of users who used the item."""
        taste = seeds.weights @ self._factors[seeds.rows]
        length = float(np.linalg.norm(taste))
        if length < 1e-9:
            return Scored(np.full(len(self.vocabulary), -np.inf, np.float32))
        likeness = self._centres @ (taste / length)
        nearest = np.argsort(-likeness, kind="stable")[: self._nearest]
        weights = np.exp(self._sharpness * (likeness[nearest] - likeness[nearest[0]]))
        scores = (weights / weights.sum()) @ self._usage[nearest]
        return Scored(np.where(scores > 0, scores, -np.inf).astype(np.float32))
