"""Items that people used who used the seeds (item-based collaborative filtering)."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.source import Arrays, Scored, Seeds, Source, from_neighbours, only, strongest_neighbour
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class ItemCollaborativeFiltering(Source):
    """Weighted sum of the seeds' neighbour lists."""

    name = "item_cf"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._neighbours, self._similarities = arrays["neighbours"], arrays["similarities"]

    def score(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32] | None = None) -> Scored:
        """Similarity to the seeds, 0 to 1."""
        return only(from_neighbours(self._neighbours, self._similarities, seeds), rows)

    def via(self, visitor: Visitor, seeds: Seeds, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """The seed whose neighbour the row is most."""
        return strongest_neighbour(self._neighbours, self._similarities, seeds, rows)
