"""Neighbours by common users (Deshpande & Karypis, "Item-Based Top-N Recommendation Algorithms", TOIS 2004)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.ranker.training.interactions import Interactions


@dataclass(frozen=True)
class ItemCfConfig:
    """How neighbours are found."""

    neighbours: int = 60
    """Kept for each item."""
    shrinkage: float = 5.0
    """Added to the norm: items with few users are trusted less."""
    popularity_power: float = 0.5
    """Of the norms' product: 0.5 is the cosine, less favours popular neighbours."""
    user_power: float = 0.5
    """A user with n items counts n to minus this power: those who use everything say little."""
    most_items_a_user: int = 400
    """The heaviest are counted, at most so many: pairs grow with the square, and so does the time."""


ROWS_A_BLOCK = 1_024


def train(interactions: Interactions, config: ItemCfConfig | None = None) -> dict[str, NDArray[Any]]:
    """`neighbours [items, k]` rows, −1 pads, and `similarities [items, k]`, 0 to 1."""
    config = config or ItemCfConfig()
    matrix = _strongest(interactions.matrix().tocsr(), config.most_items_a_user)
    activity = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32)
    weighted = matrix.multiply((activity**-config.user_power)[:, None]).tocsr()
    norms = np.sqrt(np.asarray(weighted.multiply(matrix).sum(axis=0), np.float64).ravel())
    items = matrix.shape[1]
    k = min(config.neighbours, max(items - 1, 1))
    neighbours = np.full((items, k), -1, np.int32)
    similarities = np.zeros((items, k), np.float32)
    by_item = weighted.T.tocsr()
    # A block of rows at a time: common use of all items at once is gigabytes for a large catalogue.
    for first in range(0, items, ROWS_A_BLOCK):
        common = (by_item[first : first + ROWS_A_BLOCK] @ matrix).tocsr()
        for place in range(common.shape[0]):
            part = slice(common.indptr[place], common.indptr[place + 1])
            row = first + place
            best, similarity = _nearest(row, common.indices[part], common.data[part], norms, config)
            neighbours[row, : len(best)], similarities[row, : len(best)] = best, similarity
    return {"neighbours": neighbours, "similarities": np.minimum(similarities, 1.0)}


def _strongest(matrix: csr_matrix, most: int) -> csr_matrix:
    """The matrix with at most so many items of each user, the heaviest; ties go to the lower row."""
    sizes = np.diff(matrix.indptr)
    if not len(sizes) or sizes.max() <= most:
        return matrix
    owners = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((matrix.indices, -matrix.data, owners))
    rank = np.arange(len(order)) - matrix.indptr[:-1][owners]
    kept = order[rank < most]
    return csr_matrix((matrix.data[kept], (owners[kept], matrix.indices[kept])), shape=matrix.shape)


def _nearest(
    row: int, others: NDArray[np.int32], shared: NDArray[np.float32], norms: NDArray[np.float64], config: ItemCfConfig
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The strongest neighbours of a row among those it shares users with, best first."""
    real = others != row
    others, shared = others[real], shared[real]
    scale = (norms[row] * norms[others]) ** (2.0 * config.popularity_power)
    similarity = shared / (scale + config.shrinkage)
    if len(others) > config.neighbours:
        # Finding the threshold costs a fraction of sorting; ties on it are kept for the sort to decide.
        place = len(others) - config.neighbours
        near = similarity >= np.partition(similarity, place)[place]
        others, similarity = others[near], similarity[near]
    best = np.lexsort((others, -similarity))[: config.neighbours]
    return others[best], similarity[best]
