"""Nearest vectors of large catalogues: an index that finds candidates, whose scores are then worked out exactly.

Up to EXACT_BELOW items every vector is compared, which is exact and takes a millisecond for 100,000. Beyond that an
inverted file with 8-bit codes (Faiss) looks at the cells nearest to the query (ADR 0019 has the recall).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EXACT_BELOW: Final = 200_000
"""Items up to which everything is compared."""
INDEX_ARRAY: Final = "search_index"
"""Name of the serialised index among the arrays of a source."""
PROBED: Final = 48
"""Cells that are looked into."""
_ITEMS_A_CELL: Final = 800
_TRAINED_ON_A_CELL: Final = 64
_ROUNDS: Final = 8
_SEED: Final = 11


def train_index(vectors: NDArray[np.float32], seed: int = _SEED) -> NDArray[np.uint8]:
    """The serialised index over `[items, d]` vectors by inner product; a minute at most for a million."""
    import faiss

    items, width = vectors.shape
    cells = max(items // _ITEMS_A_CELL, 1)
    centres = faiss.IndexFlatIP(width)
    index = faiss.IndexIVFScalarQuantizer(
        centres, width, cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.seed = _ROUNDS, seed
    index.cp.max_points_per_centroid = _TRAINED_ON_A_CELL
    sample = np.random.default_rng(seed).permutation(items)[: cells * _TRAINED_ON_A_CELL]
    index.train(np.ascontiguousarray(vectors[np.sort(sample)], np.float32))
    for start in range(0, items, 100_000):
        index.add(np.ascontiguousarray(vectors[start : start + 100_000], np.float32))
    return np.asarray(faiss.serialize_index(index), np.uint8)


def with_index(table: dict[str, NDArray[Any]], vectors: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """A source's table with an index over its vectors, where there are so many that one is worth it."""
    return table if len(vectors) <= EXACT_BELOW else table | {INDEX_ARRAY: train_index(vectors)}


class VectorSearch:
    """One index, ready to be asked from many threads."""

    def __init__(self, serialised: NDArray[np.uint8], probed: int = PROBED) -> None:
        import faiss

        # One thread a request, as everywhere: many requests share the cores.
        faiss.omp_set_num_threads(1)
        self._index: Any = faiss.deserialize_index(np.asarray(serialised))
        # Its classes take their fields by keyword, which its types do not say.
        parameters: Any = faiss.SearchParametersIVF
        self._parameters: Any = parameters(nprobe=probed)

    def nearest(self, query: NDArray[np.float32], limit: int) -> NDArray[np.int32]:
        """`[k ≤ limit]` rows with about the largest inner products, best first."""
        _, rows = self._index.search(np.ascontiguousarray(query[None], np.float32), limit, params=self._parameters)
        return np.asarray(rows[0][rows[0] >= 0], np.int32)
