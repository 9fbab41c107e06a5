"""The newest items first."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import LARGE
from services.ranker.source import Arrays, Scored, Seeds, Source, of_rows
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class New(Source):
    """Items by creation time; the pool's filter says how new is new."""

    name = "new"
    uses_seeds = False

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._large = len(vocabulary) > LARGE
        self._scores = np.asarray(arrays["freshness"], np.float32)

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """`exp(-age / 30 days)` at training time: the order is that of creation."""
        return Scored(of_rows(self._scores, rows), rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """The newest, which stand in order."""
        return self._newest[:limit] if self._large else None

    @cached_property
    def _newest(self) -> NDArray[np.int32]:
        return np.argsort(-self._scores, kind="stable").astype(np.int32)
