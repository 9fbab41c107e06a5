"""What comes next as a linear function of what came before, newer items more; solved in closed form.

Choi, Kim, Lee, Shim & Lee, "Session-aware Linear Item-Item Models for Session-based Recommendation" (WWW 2021): SLIS
and SLIT together (SLIST, equation 15), with the zero diagonal of EASE (Steck, WWW 2019) instead of a bound, and with
attributes as further rows that an item should be explained in (Jeunen, van Balen & Goethals, "Closed-Form Models for
Collaborative Filtering with Side-Information", RecSys 2020).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.windows import looking_ahead, looking_back, recency

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """What counts how much."""

    regularisation: float = 30.0
    """λ: added to the diagonal."""
    both_ways: float = 0.3
    """α: share of whole histories without order (SLIS) beside what comes next (SLIT)."""
    source_steps: float = 3.0
    """exp(−distance / this) is what an item before counts in explaining what comes next."""
    target_steps: float = 2.0
    """exp(−distance / this) is what items after the next count."""
    recency_steps: float = 3.0
    """exp(−age / this) is what an item of the user's history counts in a score."""
    window: int = 30
    """Items further apart are not looked at."""
    user_power: float = 0.3
    """An entry of a user with n items counts n to minus this power."""
    target_power: float = 0.0
    """Scores are divided by the users of the item to this power."""
    attribute_weight: float = 0.0
    """What an attribute's row counts, where attributes are known; rare attributes more."""


@dataclass(frozen=True)
class SequenceLinear:
    """One weight for each ordered pair of items."""

    weights: NDArray[np.float32]
    """`[items, items]` from an item of the history to the next, zero on the diagonal."""
    recency_steps: float

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` sum of weights over the history, newer items more."""
        return np.asarray(recency(histories, self.recency_steps) @ self.weights, np.float32)


def train(histories: Histories, training: Training, config: Config) -> SequenceLinear:
    """Solve for the weights; items² × 4 bytes of memory, twice."""
    users = np.asarray(histories.matrix().sum(axis=0), np.float64).ravel()
    gram, cross = _counts(histories, config)
    described = _described(training.attributes, config)
    if described is not None:
        gram = gram + described @ described.T
    inverse = _inverse(gram, config.regularisation)
    weights = (cross.T.tocsr() @ inverse).T
    if described is not None:
        weights += (described @ (described.T.tocsr() @ inverse)).T
    # The multipliers that make the diagonal zero, as in EASE.
    weights -= inverse * (np.diag(weights) / np.diag(inverse))[None, :]
    weights *= (np.maximum(users, 1.0) ** -config.target_power)[None, :].astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    return SequenceLinear(np.ascontiguousarray(weights, np.float32), config.recency_steps)


def _counts(histories: Histories, config: Config) -> tuple[csr_matrix, csr_matrix]:
    """Sparse `[items, items]`: of what came before with itself, and of it with what comes next."""
    of_user = np.maximum(histories.sizes, 1.0) ** -config.user_power
    of_entry = of_user[histories.owners()].astype(np.float32)
    whole = histories.matrix()
    whole_gram = (whole.T @ diags(of_user.astype(np.float32)) @ whole) * config.both_ways
    before = looking_back(histories, config.window, config.source_steps)
    after = looking_ahead(histories, config.window, config.target_steps)
    # The newest entry of a history has nothing after it: no example.
    weighted = (diags((1.0 - config.both_ways) * of_entry * (histories.ages() > 0)) @ before).T.tocsr()
    return (whole_gram + weighted @ before).tocsr(), (whole_gram + weighted @ after).tocsr()


def _described(attributes: csr_matrix | None, config: Config) -> csr_matrix | None:
    """`[items, attributes]` what attributes count, or None where they count nothing."""
    if attributes is None or not config.attribute_weight:
        return None
    items_of = np.asarray(attributes.sum(axis=0), np.float64).ravel()
    rarity = np.log((1.0 + attributes.shape[0]) / (1.0 + items_of)) / np.sqrt(np.maximum(items_of, 1.0))
    return (attributes @ diags(config.attribute_weight * rarity)).tocsr().astype(np.float32)


def _inverse(gram: csr_matrix, regularisation: float) -> NDArray[np.float32]:
    """Of the matrix with λ on its diagonal, by LAPACK's own routines in single precision and in its place."""
    dense = np.asfortranarray(gram.toarray(), np.float32)
    dense[np.diag_indices_from(dense)] += regularisation
    factor, failed = lapack.spotrf(dense, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError(f"regularisation {regularisation} leaves the item matrix without an inverse; raise it")
    whole = np.tril(inverse)
    whole += np.tril(inverse, -1).T
    return np.asarray(whole, np.float32, order="C")
