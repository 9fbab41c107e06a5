"""Adds search indexes to the tables of sources that compare vectors, where the catalogue is so large that it pays."""

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from services.ranker.vector_search import with_index

VECTORS_OF: Final[Mapping[str, str]] = {
    "als": "item_factors",
    "two_tower": "item_vectors",
    "visual": "vectors",
    "content": "vectors",
}
"""Source → the array whose rows are compared."""


def indexed(name: str, table: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The table of a source, with an index over its vectors when it has very many."""
    return with_index(table, table[VECTORS_OF[name]]) if name in VECTORS_OF else table
