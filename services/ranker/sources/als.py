"""Matrix factorisation with implicit confidence; the visitor is folded in from recent actions."""

import numpy as np

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class AlternatingLeastSquares(Source):
    """One least-squares step for the visitor, then inner products (Hu, Koren & Volinsky 2008, eq. 4)."""

    name = "als"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._factors = arrays["item_factors"].astype(np.float32)
        self._gram = arrays["gram"].astype(np.float32)
        self._confidence = float(arrays["confidence"])

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Estimated preference, about 0 to 1."""
        factors = self._factors[seeds.rows]
        confidence = self._confidence * seeds.weights
        left = self._gram + factors.T @ (factors * confidence[:, None])
        right = factors.T @ (1.0 + confidence)
        user = np.linalg.solve(left, right).astype(np.float32)
        scores = self._factors @ user
        known = self._factors.any(axis=1)
        # The part of a score that a seed explains: confidence-weighted inner products in the metric of the solution.
        explained = (self._factors @ np.linalg.solve(left, factors.T)) * (1.0 + confidence)
        via = np.argmax(explained, axis=1).astype(np.int32)
        return Scored(np.where(known, scores, -np.inf).astype(np.float32), via)
