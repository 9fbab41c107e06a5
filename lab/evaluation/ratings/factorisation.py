"""Propensity-weighted matrix factorisation with biases (Schnabel et al. 2016, eq. 10), solved by variational Bayes.

rating ≈ mean + slope · exposure + user bias + item bias + user vector · item vector. Where the paper takes one point
that minimises the weighted squared error plus penalties, here biases and vectors keep their uncertainty (Lim & Teh
2007): with a few dozen ratings a user, a point fits noise. Exposure is what the propensities say of pairs beside the
weights (`lab.evaluation.ratings.exposure`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lab.evaluation.ratings.reading import RatingLog

Numbers = NDArray[np.float64]

_LEAST_NOISE = 0.05
"""Share of the ratings' variance."""
_SLOPE_PRIOR = 20.0
"""Ratings that the prior of no slope counts for."""


@dataclass(frozen=True)
class FactorisationConfig:
    """How strongly what is learnt is held back; chosen by validation."""

    rank: int = 4
    """Length of the vectors; 0: biases alone."""
    user_bias: float = 0.5
    """Standard deviation of user biases beforehand, as a share of that of the ratings."""
    item_bias: float = 0.25
    """The same of item biases."""
    vector: float = 0.2
    """The same of the product of two vectors."""
    weight_power: float = 0.0
    """Exponent of the inverse propensities: 1 is unbiased, 0 ignores them, between lies less variance."""
    most_weight: float = 10.0
    """Weights are cut at so many times their mean."""
    sweeps: int = 25
    """Passes over users and items."""


@dataclass(frozen=True)
class Factorisation:
    """What is known of each user and item."""

    mean: float
    users: Numbers
    """`[users, 1 + rank]` bias and vector."""
    items: Numbers
    """`[items, 1 + rank]`"""
    slope: float = 0.0
    exposure: Numbers | None = None
    """`[users, items]`; None where nothing is known of it."""

    def predict(self) -> Numbers:
        """`[users, items]` of all pairs."""
        biases = self.users[:, :1] + self.items[:, 0][None, :]
        exposed = 0.0 if self.exposure is None else self.slope * self.exposure
        return np.asarray(self.mean + exposed + biases + self.users[:, 1:] @ self.items[:, 1:].T)

    def at(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> Numbers:
        """`[N]` of some pairs."""
        one, other = self.users[users], self.items[items]
        exposed = 0.0 if self.exposure is None else self.slope * self.exposure[users, items]
        vectors = np.einsum("nk,nk->n", one[:, 1:], other[:, 1:])
        return np.asarray(self.mean + exposed + one[:, 0] + other[:, 0] + vectors)


def factorise(
    log: RatingLog, config: FactorisationConfig, seed: int = 1, exposure: Numbers | None = None
) -> Factorisation:
    """Fit by turns the users given the items, the items given the users, and the slope given both."""
    fit = _Fit(log, config, exposure)
    fit.begin(np.random.default_rng(seed))
    for _ in range(config.sweeps):
        fit.sweep()
    return fit.fitted()


def effective_weights(log: RatingLog, config: FactorisationConfig) -> Numbers:
    """`[N]` tempered and cut inverse propensities, on average 1."""
    weights = np.minimum(log.weights, config.most_weight) ** config.weight_power
    return np.asarray(weights / weights.mean())


@dataclass(frozen=True)
class _Side:
    """Posterior of users or items: means `[n, 1 + rank]` and covariances `[n, 1 + rank, 1 + rank]`."""

    means: Numbers
    covariances: Numbers


class _Fit:
    def __init__(self, log: RatingLog, config: FactorisationConfig, exposure: Numbers | None) -> None:
        self._log, self._config, self._exposure = log, config, exposure
        self._weights = effective_weights(log, config)
        self._mean = float(np.average(log.ratings, weights=self._weights))
        variance = float(np.average((log.ratings - self._mean) ** 2, weights=self._weights)) or 1.0
        self._spread, self._noise, self._slope = float(np.sqrt(variance)), 0.7 * variance, 0.0
        self._least_noise = _LEAST_NOISE * variance
        self._matrix = csr_matrix((self._weights, (log.users, log.items)), shape=log.shape)
        self._exposed = np.zeros(len(log)) if exposure is None else exposure[log.users, log.items]

    def begin(self, random: np.random.Generator) -> None:
        """Small random item vectors; users follow from them."""
        config, count = self._config, self._log.shape[1]
        # The product of two vectors of this deviation has the deviation that the configuration asks for.
        entry = np.sqrt(config.vector * self._spread / max(np.sqrt(config.rank), 1.0))
        biases = (config.user_bias * self._spread, config.item_bias * self._spread)
        self._variances = [np.array([bias, *[entry] * config.rank]) ** 2 for bias in biases]
        means = random.normal(0.0, entry, (count, 1 + config.rank))
        means[:, 0] = 0.0
        self._items = _Side(means, np.zeros((count, 1 + config.rank, 1 + config.rank)))

    def sweep(self) -> None:
        """Users, items, slope, noise."""
        log, target = self._log, self._log.ratings - self._mean - self._slope * self._exposed
        sums = csr_matrix((self._weights * target, (log.users, log.items)), shape=log.shape)
        self._users = _posterior((self._matrix, sums), self._items, self._variances[0], self._noise)
        self._items = _posterior((self._matrix.T, sums.T), self._users, self._variances[1], self._noise)
        left = log.ratings - self.fitted().at(log.users, log.items)
        if self._exposure is not None:
            weighted = self._weights * self._exposed
            scale = float(weighted @ self._exposed) + _SLOPE_PRIOR * float(np.mean(self._exposed**2)) + 1e-9
            step = float(weighted @ (left + self._slope * self._exposed)) / scale - self._slope
            self._slope, left = self._slope + step, left - step * self._exposed
        squared = left**2 + _uncertainty(log, self._users, self._items)
        self._noise = max(float(np.average(squared, weights=self._weights)), self._least_noise)

    def fitted(self) -> Factorisation:
        """As it stands."""
        return Factorisation(self._mean, self._users.means, self._items.means, self._slope, self._exposure)


def _posterior(data: tuple[csr_matrix, csr_matrix], other: _Side, variances: Numbers, noise: float) -> _Side:
    """Of one side given the other: a weighted ridge regression each, the other side's uncertainty included."""
    weights, sums = data
    width = other.means.shape[1]
    bias, design = other.means[:, 0], other.means.copy()
    design[:, 0] = 1.0
    squares = design[:, :, None] * design[:, None, :]
    squares[:, 1:, 1:] += other.covariances[:, 1:, 1:]
    with_bias = bias[:, None] * design
    with_bias[:, 1:] += other.covariances[:, 0, 1:]
    precision = (weights @ squares.reshape(len(design), -1)).reshape(-1, width, width)
    precision += np.diag(noise / variances)
    target = sums @ design - weights @ with_bias
    covariances = np.linalg.inv(precision)
    means = np.einsum("nij,nj->ni", covariances, target)
    return _Side(means, noise * covariances)


def _uncertainty(log: RatingLog, users: _Side, items: _Side) -> Numbers:
    """`[N]` posterior variance of each rating's prediction."""
    one, other = users.means[log.users], items.means[log.items]
    one[:, 0], other[:, 0] = 1.0, 1.0
    of_user, of_item = users.covariances[log.users], items.covariances[log.items]
    found = np.einsum("ni,nij,nj->n", other, of_user, other) + np.einsum("ni,nij,nj->n", one, of_item, one)
    return np.asarray(found + np.einsum("nij,nij->n", of_user[:, 1:, 1:], of_item[:, 1:, 1:]))
