"""Two towers joined by an inner product; the user's tower reads item vectors of recent actions."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source, of_rows, search_of
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class TwoTower(Source):
    """`u · v`; u is the weighted mean of history vectors through one dense layer, so that new users work at once."""

    name = "two_tower"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._items = np.asarray(arrays["item_vectors"], np.float32)
        self._history = np.asarray(arrays["history_vectors"], np.float32)
        self._search = search_of(arrays)
        self._kernel, self._bias = arrays["user_kernel"], arrays["user_bias"]
        self._temperature = float(arrays["temperature"])

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Cosine of the towers divided by the temperature that they were trained with."""
        scores = (of_rows(self._items, rows) @ self._user(seeds)) / self._temperature
        return Scored(scores.astype(np.float32), rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """By the index, where there is one."""
        return None if self._search is None else self._search.nearest(self._user(seeds), limit)

    def _user(self, seeds: Seeds) -> NDArray[np.float32]:
        weights = seeds.weights / max(float(seeds.weights.sum()), 1e-9)
        pooled = weights @ self._history[seeds.rows]
        user = pooled + np.tanh(pooled @ self._kernel + self._bias)
        return np.asarray(user / max(float(np.linalg.norm(user)), 1e-9), np.float32)
