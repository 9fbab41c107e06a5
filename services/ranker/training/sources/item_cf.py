"""Neighbours by common users (Deshpande & Karypis, "Item-Based Top-N Recommendation Algorithms", TOIS 2004)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def train(interactions: Interactions, config: ItemCfConfig | None = None) -> dict[str, NDArray[Any]]:
    """`neighbours [items, k]` rows, −1 pads, and `similarities [items, k]`, 0 to 1."""
    config = config or ItemCfConfig()
    matrix = interactions.matrix().tocsr()
    activity = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32)
    weighted = matrix.multiply((activity**-config.user_power)[:, None]).tocsr()
    common = (weighted.T @ matrix).tocsr()
    norms = np.sqrt(np.asarray(common.diagonal(), np.float64))
    return top_neighbours(common, norms, config)


def top_neighbours(common: Any, norms: NDArray[np.float64], config: ItemCfConfig) -> dict[str, NDArray[Any]]:
    """The strongest neighbours of each row of a sparse `[items, items]` matrix of common use."""
    items, k = common.shape[0], min(config.neighbours, max(common.shape[0] - 1, 1))
    neighbours = np.full((items, k), -1, np.int32)
    similarities = np.zeros((items, k), np.float32)
    for row in range(items):
        others = common.indices[common.indptr[row] : common.indptr[row + 1]]
        shared = common.data[common.indptr[row] : common.indptr[row + 1]]
        real = others != row
        others, shared = others[real], shared[real]
        scale = (norms[row] * norms[others]) ** (2.0 * config.popularity_power)
        similarity = shared / (scale + config.shrinkage)
        best = np.lexsort((others, -similarity))[:k]
        neighbours[row, : len(best)] = others[best]
        similarities[row, : len(best)] = similarity[best]
    return {"neighbours": neighbours, "similarities": np.minimum(similarities, 1.0)}
