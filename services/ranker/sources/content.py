"""Items that are described like the seeds: cosine over text vectors and attributes."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source, from_vectors, mean_vector, search_of, strongest_vector
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class Content(Source):
    """Cosine of description vectors; exact up to 200,000 items."""

    name = "content"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._vectors = np.asarray(arrays["vectors"], np.float32)
        self._search = search_of(arrays)
        self._known = np.asarray(self._vectors.any(axis=1), np.bool_)

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Cosine, −1 to 1; items without any description are out."""
        return from_vectors(self._vectors, self._known, seeds, rows)

    def promising(self, visitor: Visitor, seeds: Seeds, limit: int) -> NDArray[np.int32] | None:
        """By the index, where there is one."""
        return None if self._search is None else self._search.nearest(mean_vector(self._vectors, seeds), limit)

    def via(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """The seed that is most alike."""
        return strongest_vector(self._vectors, seeds, rows)
