"""Items explain each other linearly, none itself (Steck, "Embarrassingly Shallow Autoencoders", WWW 2019, eq. 8)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training

USES_ORDER = False


@dataclass(frozen=True)
class Config:
    """How strongly weights are shrunk."""

    regularisation: float = 100.0
    """λ of the paper, added to every item's count of users. Tuned on held-out users: it depends on the data."""


@dataclass(frozen=True)
class Ease:
    """One weight for each pair of items."""

    weights: NDArray[np.float32]
    """`[items, items]`, zero on the diagonal."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` sum over the user's items of their weights."""
        return np.asarray(histories.matrix() @ self.weights, np.float32)


def train(histories: Histories, training: Training, config: Config) -> Ease:
    """Solve for the weights in closed form; items² × 4 bytes of memory, twice."""
    del training
    matrix = histories.matrix()
    gram = np.asfortranarray((matrix.T @ matrix).toarray(), np.float32)
    gram[np.diag_indices_from(gram)] += config.regularisation
    # LAPACK's own routines: the inverse takes the place of the matrix, in single precision.
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError(f"regularisation {config.regularisation} leaves the item matrix without an inverse")
    weights = np.tril(inverse) + np.tril(inverse, -1).T
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0.0)
    return Ease(np.ascontiguousarray(weights, np.float32))
