"""An autoencoder of one infinitely wide hidden layer, trained to the end: kernel ridge regression with its neural
tangent kernel (Sachdeva et al., "Infinite Recommendation Networks", NeurIPS 2022, section 3).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.item_regression import inverse_of
from lab.leaderboard.model import Training
from lab.leaderboard.popularity_discount import Discounted, discounts

USES_ORDER = False

GRID = {
    "regularisation": (0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0),
    "popularity_power": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
    "item_power": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
}


@dataclass(frozen=True)
class Config:
    """How smooth the map from items to items is."""

    regularisation: float = 1.4
    """λ, as a share of the kernel's diagonal, which is 1."""
    popularity_power: float = 0.1
    """The score of an item of n users is divided by n^power."""
    item_power: float = 0.15
    """An item of n users goes in as n^−power: what everyone has says little about anyone."""


@dataclass(frozen=True)
class InfiniteAutoencoder:
    """What the training users had, weighed by how like them someone is."""

    seen: csr_matrix
    """`[training users, items]` of ones."""
    inputs: csr_matrix
    """The same with the items' weights and rows of length 1."""
    item_weights: NDArray[np.float32]
    """`[items]`"""
    inverse: NDArray[np.float32]
    """`[training users, training users]` of the kernel and its regularisation."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` about the chance that the user has the item."""
        kernel = tangent_kernel((_unit(histories.matrix(), self.item_weights) @ self.inputs.T).toarray())
        return np.ascontiguousarray(np.asarray(self.seen.T @ (kernel @ self.inverse).T, np.float32).T)


def train(histories: Histories, training: Training, config: Config) -> Discounted[InfiniteAutoencoder]:
    """Solve for the weights of the training users in closed form; users² × 4 bytes of memory, twice."""
    del training
    seen = histories.matrix()
    counts = np.asarray(seen.sum(axis=0), np.float32).ravel()
    item_weights = np.asarray(np.maximum(counts, 1.0) ** -config.item_power, np.float32)
    inputs = _unit(seen, item_weights)
    kernel = tangent_kernel((inputs @ inputs.T).toarray())
    kernel[np.diag_indices_from(kernel)] += np.float32(config.regularisation)
    model = InfiniteAutoencoder(seen, inputs, item_weights, inverse_of(kernel))
    return Discounted(model, discounts(seen, config.popularity_power))


def tangent_kernel(cosines: NDArray[Any]) -> NDArray[np.float32]:
    """Of one hidden layer of rectified linear units, for inputs of length 1; 1 for equal inputs (Jacot et al. 2018;
    Cho and Saul 2009, eq. 6).
    """
    cosines = np.clip(np.asarray(cosines, np.float32), 0.0, 1.0)
    angles = np.pi - np.arccos(cosines)
    return np.asarray((2.0 * cosines * angles + np.sqrt(1.0 - cosines**2)) / (2.0 * np.pi), np.float32)


def _unit(matrix: csr_matrix, item_weights: NDArray[np.float32]) -> csr_matrix:
    weighed = csr_matrix(matrix @ diags(item_weights), dtype=np.float32)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1), np.float32)).ravel()
    return csr_matrix(diags(1.0 / np.maximum(lengths, 1e-12)) @ weighed, dtype=np.float32)
