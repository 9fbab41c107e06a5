"""Items that are described like the seeds: cosine over text vectors and attributes."""

from services.ranker.source import Arrays, Scored, Seeds, Source, from_vectors
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary


class Content(Source):
    """Exact cosine of description vectors."""

    name = "content"

    def __init__(self, vocabulary: Vocabulary, arrays: Arrays) -> None:
        super().__init__(vocabulary, arrays)
        self._vectors = arrays["vectors"].astype("float32")

    def score(self, visitor: Visitor, seeds: Seeds) -> Scored:
        """Cosine, −1 to 1; items without any description are out."""
        return from_vectors(self._vectors, seeds)
