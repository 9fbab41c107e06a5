"""Two towers joined by an inner product; the user's tower reads item vectors of recent actions."""

import numpy as np

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class TwoTower(Source):
    """`u · v`; u is the weighted mean of history vectors through one dense layer, so that new users work at once."""

    name = "two_tower"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._items = arrays["item_vectors"].astype(np.float32)
        self._history = arrays["history_vectors"].astype(np.float32)
        self._kernel, self._bias = arrays["user_kernel"], arrays["user_bias"]
        self._temperature = float(arrays["temperature"])

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Cosine of the towers divided by the temperature that they were trained with."""
        weights = seeds.weights / max(float(seeds.weights.sum()), 1e-9)
        pooled = weights @ self._history[seeds.rows]
        user = pooled + np.tanh(pooled @ self._kernel + self._bias)
        user /= max(float(np.linalg.norm(user)), 1e-9)
        scores = (self._items @ user) / self._temperature
        return Scored(scores.astype(np.float32))
