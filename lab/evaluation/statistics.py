"""Means with intervals, paired, by bootstrap over users."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over users."""

    mean: float
    low: float
    high: float
    users: int

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for JSON."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def bootstrap(values: NDArray[np.float64], seed: int = 1) -> Interval:
    """The mean of one value a user; of paired differences, the paired interval.

    Raises: ValueError without values.
    """
    if not len(values):
        raise ValueError("there is nothing to take a mean of")
    random = np.random.default_rng(seed)
    means = np.array([values[random.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high), len(values))


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and p99 of durations."""
    found = np.quantile(np.asarray(values), (0.5, 0.95, 0.99))
    return {name: round(float(value), 2) for name, value in zip(("p50", "p95", "p99"), found, strict=True)}
