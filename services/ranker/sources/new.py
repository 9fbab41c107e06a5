"""The newest items first."""

import numpy as np

from services.ranker.source import Arrays, Scored, Seeds, Source
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class New(Source):
    """Items by creation time; the pool's filter says how new is new."""

    name = "new"
    uses_seeds = False

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._scores = arrays["freshness"].astype(np.float32)

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """`exp(-age / 30 days)` at training time: the order is that of creation."""
        return Scored(self._scores)
