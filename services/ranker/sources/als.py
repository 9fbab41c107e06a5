"""Matrix factorisation with implicit confidence; the visitor is folded in from recent actions."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source, of_rows, search_of
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class AlternatingLeastSquares(Source):
    """One least-squares step for the visitor, then inner products (Hu, Koren & Volinsky 2008, eq. 4)."""

    name = "als"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._factors = np.asarray(arrays["item_factors"], np.float32)
        self._gram = arrays["gram"].astype(np.float32)
        self._confidence = float(arrays["confidence"])
        self._search = search_of(arrays)
        self._known = np.asarray(self._factors.any(axis=1), np.bool_)

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Estimated preference, about 0 to 1."""
        scores = of_rows(self._factors, rows) @ self._user(seeds)
        known = self._known if rows is None else self._known[rows]
        return Scored(np.where(known, scores, -np.inf).astype(np.float32), rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """By the index, where there is one."""
        return None if self._search is None else self._search.nearest(self._user(seeds), limit)

    def via(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """The seed that explains most of the score: confidence-weighted inner products in the solution's metric."""
        factors, confidence, left = self._system(seeds)
        explained = (self._factors[rows] @ np.linalg.solve(left, factors.T)) * (1.0 + confidence)
        return np.asarray(np.argmax(explained, axis=1), np.int32)

    def _user(self, seeds: Seeds) -> NDArray[np.float32]:
        factors, confidence, left = self._system(seeds)
        return np.asarray(np.linalg.solve(left, factors.T @ (1.0 + confidence)), np.float32)

    def _system(self, seeds: Seeds) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The seeds' factors and confidences, and the left side of the visitor's normal equations."""
        factors = self._factors[seeds.rows]
        confidence = np.asarray(self._confidence * seeds.weights, np.float32)
        return factors, confidence, self._gram + factors.T @ (factors * confidence[:, None])
