"""The candidate sources, one a file, in the order that answers are listed in."""

from services.ranker.source import Arrays, Source
from services.ranker.sources.als import AlternatingLeastSquares
from services.ranker.sources.content import Content
from services.ranker.sources.item_cf import ItemCollaborativeFiltering
from services.ranker.sources.knowledge_graph import KnowledgeGraph
from services.ranker.sources.new import New
from services.ranker.sources.popular import Popular
from services.ranker.sources.two_tower import TwoTower
from services.ranker.sources.user_cf import UserCollaborativeFiltering
from services.ranker.sources.visual import Visual
from services.ranker.vocabulary import Vocabulary

SOURCES: dict[str, type[Source]] = {
    source.name: source
    for source in (
        ItemCollaborativeFiltering,
        UserCollaborativeFiltering,
        AlternatingLeastSquares,
        TwoTower,
        Visual,
        Content,
        KnowledgeGraph,
        Popular,
        New,
    )
}
SOURCE_NAMES: tuple[str, ...] = tuple(SOURCES)


def load_source(name: str, vocabulary: Vocabulary, arrays: Arrays) -> Source:
    """The named source from the arrays of `sources/<name>.npz`."""
    return SOURCES[name].load(vocabulary, arrays)
