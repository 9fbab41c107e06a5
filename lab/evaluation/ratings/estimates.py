"""What the error on ratings of random pairs would be, estimated from ratings that users chose to give.

Each held-out rating counts for as many pairs as its inverse propensity says (Schnabel et al. 2016, eq. 4, normalised
by the sum of the weights, which trades a little bias for much variance).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.ratings.reading import RatingLog

Numbers = NDArray[np.float64]

FOLDS = 5
RESAMPLES = 2_000


@dataclass(frozen=True)
class Estimate:
    """A mean squared error, or a difference of two, with its 95 % bootstrap interval over users."""

    value: float
    low: float
    high: float

    def text(self) -> str:
        """For people."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def folds_of(log: RatingLog, seed: int) -> NDArray[np.int64]:
    """`[N]` number of each rating's fold: of each user's ratings, as equally many in each fold as can be."""
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(log)), log.users))
    fold = np.empty(len(log), np.int64)
    fold[order] = (np.arange(len(log)) + random.integers(FOLDS)) % FOLDS
    return fold


def weighted_error(log: RatingLog, predicted: Numbers) -> float:
    """Propensity-weighted mean squared error of `[N]` predictions."""
    return float(np.average((log.ratings - predicted) ** 2, weights=log.weights))


def estimate(log: RatingLog, squared: Numbers, seed: int = 1) -> Estimate:
    """Propensity-weighted mean of `[N]` squared errors, or of their paired differences, with its interval."""
    weights = log.weights
    by_user = np.column_stack([np.bincount(log.users, each, log.shape[0]) for each in (weights * squared, weights)])
    draws = np.random.default_rng(seed).multinomial(log.shape[0], np.full(log.shape[0], 1.0 / log.shape[0]), RESAMPLES)
    sums = draws @ by_user
    low, high = np.quantile(sums[:, 0] / np.maximum(sums[:, 1], 1e-12), (0.025, 0.975))
    return Estimate(float(np.average(squared, weights=weights)), float(low), float(high))
