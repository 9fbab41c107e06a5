"""Matrix factorisation by gradient steps on used items and drawn unused ones; users are folded in from their history.

`U_ik += a (R_ij − U_i · V_j) V_jk` and the same with U and V exchanged, R = 1 for used items and 0 for drawn ones
(Koren, Bell & Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009; drawn negatives as in Pan et
al., "One-Class Collaborative Filtering", ICDM 2008). The steps of a block of users are added up and scaled by their
history (Duchi, Hazan & Singer, "Adaptive Subgradient Methods", JMLR 2011), so that common items do not run away.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """How factors are learnt."""

    factors: int = 64
    """Length of each vector."""
    rate: float = 0.1
    """Step size `a`."""
    regularisation: float = 0.02
    """Shrinks both vectors for each of their entries."""
    negatives: int = 8
    """Unused items drawn for each used one."""
    passes: int = 30
    """Over all users."""
    users_a_step: int = 512
    """Whose steps are added up."""
    first_size: float = 0.1
    """Standard deviation of the first vectors."""
    recency_steps: float = 4.0
    """A user's item counts exp(−age / this) when the user is folded in."""


@dataclass(frozen=True)
class GradientFactors:
    """A vector for each item, and what drawn negatives look like."""

    items: NDArray[np.float32]
    """`[items, factors]`"""
    negative: NDArray[np.float32]
    """`[factors, factors]` mean of `v vᵀ` over all items: of a drawn negative."""
    config: Config

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` inner product with the user's vector that training's loss is least for, V as it is."""
        config = self.config
        users = np.zeros((len(histories), self.items.shape[1]), np.float32)
        weights = np.exp(-histories.ages() / config.recency_steps).astype(np.float32)
        eye = np.eye(self.items.shape[1], dtype=np.float32)
        for user in np.flatnonzero(histories.sizes):
            part = slice(histories.starts[user], histories.starts[user + 1])
            used = self.items[histories.rows[part]]
            weighted = used.T * weights[part]
            drawn = weights[part].sum() * (
                config.negatives * self.negative + (1 + config.negatives) * config.regularisation * eye
            )
            users[user] = np.linalg.solve(weighted @ used + drawn, weighted.sum(axis=1))
        return np.asarray(users @ self.items.T, np.float32)


def train(histories: Histories, training: Training, config: Config) -> GradientFactors:
    """Pass over the users in random order, a block at a time."""
    random = np.random.default_rng(training.seed)
    matrix = histories.matrix()
    sides = [
        _Side((random.standard_normal((size, config.factors)) * config.first_size).astype(np.float32), config)
        for size in matrix.shape
    ]
    for done in range(config.passes):
        training.progress("gradient steps", done, config.passes)
        order = random.permutation(len(histories))
        for first in range(0, len(order), config.users_a_step):
            _step(sides, matrix, order[first : first + config.users_a_step], random)
    training.progress("gradient steps", config.passes, config.passes)
    items = sides[1].vectors
    return GradientFactors(items, items.T @ items / np.float32(len(items)), config)


class _Side:
    """The vectors of users or of items, and the sum of their squared gradients."""

    def __init__(self, vectors: NDArray[np.float32], config: Config) -> None:
        self.vectors = vectors
        self.config = config
        self._squares = np.full((len(vectors), 1), 1e-6, np.float32)

    def move(self, rows: NDArray[np.int64], direction: NDArray[np.float32], counts: NDArray[np.float32]) -> None:
        """Step along the direction `[rows, factors]`, shrunk once for each entry."""
        direction = direction - self.config.regularisation * counts[:, None] * self.vectors[rows]
        self._squares[rows] += (direction * direction).mean(axis=1, keepdims=True)
        self.vectors[rows] += self.config.rate * direction / np.sqrt(self._squares[rows])


def _step(sides: list[_Side], matrix: csr_matrix, users: NDArray[np.int64], random: np.random.Generator) -> None:
    """One step of both sides for the used items of some users and items drawn beside them."""
    users_side, items_side = sides
    used = matrix[users]
    sizes = np.diff(used.indptr)
    drawn = random.integers(0, matrix.shape[1], (len(used.indices), users_side.config.negatives))
    places = np.concatenate(
        [np.repeat(np.arange(len(users)), sizes), np.repeat(np.arange(len(users)), sizes * drawn.shape[1])]
    )
    items = np.concatenate([used.indices, drawn.ravel()])
    wanted = np.concatenate([np.ones(len(used.indices), np.float32), np.zeros(drawn.size, np.float32)])
    known, known_place = np.unique(items, return_inverse=True)
    left, right = users_side.vectors[users], items_side.vectors[known]
    errors = wanted - np.einsum("ij,ij->i", left[places], right[known_place])
    matrix_of_errors = csr_matrix((errors, (places, known_place)), shape=(len(users), len(known)))
    users_side.move(users, matrix_of_errors @ right, np.bincount(places, minlength=len(users)).astype(np.float32))
    items_side.move(known, matrix_of_errors.T @ left, np.bincount(known_place, minlength=len(known)).astype(np.float32))
