"""Matrix factorisation `R ~ U V^T`: by alternating least squares on implicit data, and by gradient steps on ratings.

Sources: Hu, Koren & Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008), equations 4 and 5;
the gradient steps are `U_ik += a (R_ij - U_i . V_j) V_jk` and the same with U and V exchanged.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.ranker.training.interactions import Interactions

ENTRIES_AT_A_TIME = 200_000


@dataclass(frozen=True)
class AlsConfig:
    """How factors are found."""

    factors: int = 48
    """Length of each vector."""
    confidence: float = 8.0
    """How much more a used item counts than an unused one, for each unit of weight."""
    regularisation: float = 6.0
    """Of the squared norms."""
    sweeps: int = 10
    """Alternations."""
    exact_rows: int = 20_000
    """With more users or items than this, a side is improved by conjugate gradients instead of being solved."""
    gradient_steps: int = 3
    """Of conjugate gradients a sweep (Takács, Pilászy & Tikk, "Applications of the Conjugate Gradient Method for
    Implicit Feedback Collaborative Filtering", RecSys 2011: few steps from the last factors are enough)."""
    seed: int = 3
    """Of the first factors."""


def train(interactions: Interactions, config: AlsConfig | None = None) -> dict[str, NDArray[Any]]:
    """`item_factors [items, f]`, `gram [f, f]` (with the regularisation on its diagonal) and `confidence`."""
    config = config or AlsConfig()
    matrix = interactions.matrix()
    random = np.random.default_rng(config.seed)
    users = np.zeros((matrix.shape[0], config.factors), np.float32)
    items = (random.standard_normal((matrix.shape[1], config.factors)) * 0.1).astype(np.float32)
    by_item = matrix.T.tocsr()
    for _ in range(config.sweeps):
        users = _improve(matrix, items, users, config)
        items = _improve(by_item, users, items, config)
    gram = items.T @ items + config.regularisation * np.eye(config.factors, dtype=np.float32)
    return {"item_factors": items, "gram": gram, "confidence": np.array(config.confidence, np.float32)}


def _improve(
    matrix: csr_matrix, fixed: NDArray[np.float32], old: NDArray[np.float32], config: AlsConfig
) -> NDArray[np.float32]:
    """Better vectors of one side, the other's fixed."""
    if max(matrix.shape) <= config.exact_rows:
        return _solve(matrix, fixed, config)
    return _descend(matrix, fixed, old, config)


def _descend(
    matrix: csr_matrix, fixed: NDArray[np.float32], old: NDArray[np.float32], config: AlsConfig
) -> NDArray[np.float32]:
    """A few steps of conjugate gradients for all rows at once, from their last vectors."""
    base = fixed.T @ fixed + config.regularisation * np.eye(config.factors, dtype=np.float32)
    owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    confidence = (config.confidence * matrix.data).astype(np.float32)

    def weighted_sum(weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(csr_matrix((weights, matrix.indices, matrix.indptr), shape=matrix.shape) @ fixed)

    def left_side(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors @ base + weighted_sum(confidence * _inner(vectors, owners, fixed, matrix.indices))

    answer = np.where(np.diff(matrix.indptr)[:, None] > 0, old, np.float32(0.0))
    rest = weighted_sum(1.0 + confidence) - left_side(answer)
    direction, size = rest.copy(), (rest * rest).sum(axis=1)
    for _ in range(config.gradient_steps):
        moved = left_side(direction)
        step = size / np.maximum((direction * moved).sum(axis=1), 1e-12)
        answer += step[:, None] * direction
        rest -= step[:, None] * moved
        new_size = (rest * rest).sum(axis=1)
        direction = rest + (new_size / np.maximum(size, 1e-12))[:, None] * direction
        size = new_size
    return answer


def _inner(
    left: NDArray[np.float32], rows: NDArray[np.int64], right: NDArray[np.float32], columns: NDArray[np.int32]
) -> NDArray[np.float32]:
    """`[entries]` inner product of each entry's two vectors, a bounded part at a time."""
    answer = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), ENTRIES_AT_A_TIME):
        part = slice(first, first + ENTRIES_AT_A_TIME)
        answer[part] = np.einsum("ij,ij->i", left[rows[part]], right[columns[part]])
    return answer


def _solve(matrix: csr_matrix, fixed: NDArray[np.float32], config: AlsConfig) -> NDArray[np.float32]:
    """`[rows, f]` the best vectors of one side, the other's fixed; zeros for rows without any use."""
    answer = np.zeros((matrix.shape[0], config.factors), np.float32)
    base = fixed.T @ fixed + config.regularisation * np.eye(config.factors, dtype=np.float32)
    for row in range(matrix.shape[0]):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        if start == end:
            continue
        used, confidence = fixed[matrix.indices[start:end]], config.confidence * matrix.data[start:end]
        left = base + used.T @ (used * confidence[:, None])
        answer[row] = np.linalg.solve(left, used.T @ (1.0 + confidence))
    return answer


@dataclass(frozen=True)
class GradientConfig:
    """How ratings are factorised by gradient steps."""

    factors: int = 2
    """Length of each vector."""
    rate: float = 0.05
    """Step size `a`."""
    regularisation: float = 0.0
    """Shrinks both vectors at each step."""
    passes: int = 2_000
    """Over all known ratings."""
    seed: int = 3
    """Of the first factors and the order."""


def factorise(
    ratings: NDArray[np.float64], known: NDArray[np.bool_], config: GradientConfig | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`U [rows, f]` and `V [columns, f]` with `U V^T` near `ratings` where they are known."""
    config = config or GradientConfig()
    random = np.random.default_rng(config.seed)
    left = random.normal(0.5, 0.1, (ratings.shape[0], config.factors))
    right = random.normal(0.5, 0.1, (ratings.shape[1], config.factors))
    places = np.argwhere(known)
    for _ in range(config.passes):
        for i, j in random.permutation(places):
            error = ratings[i, j] - left[i] @ right[j]
            step = config.rate * (error * right[j] - config.regularisation * left[i])
            right[j] += config.rate * (error * left[i] - config.regularisation * right[j])
            left[i] += step
    return left, right
