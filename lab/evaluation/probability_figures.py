"""How good probabilities are on impressions that nothing was fitted on, with 95 % bootstrap intervals over users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.metrics import area_under_curve, area_under_curve_by_user, calibration_error

Numbers = NDArray[np.float64]
Rows = NDArray[np.bool_]

RESAMPLES = 400
JUDGED_POSITIVES = 1_000
"""With so many, predicted/observed must lie within `WITHIN`."""
WITHIN = (0.90, 1.10)
LEAST_POSITIVES = 50
"""Segments with fewer are not shown."""
EVERYTHING = "everything"
_MOST_DRAWS = 40_000_000
"""With very many users there are fewer resamples, so that memory does not grow."""
_SLOW_DRAWS = 40
"""Of a measure that has no quick way."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 4) -> str:
        """For people."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True)
class Calibration:
    """Predicted over observed of one part of the impressions."""

    head: str
    """click or purchase."""
    segment: str
    observed: int
    ratio: Figure

    @property
    def off(self) -> bool:
        """There are enough positives to judge by, and the ratio is not where it should be."""
        return self.observed >= JUDGED_POSITIVES and not WITHIN[0] <= self.ratio.value <= WITHIN[1]


@dataclass(frozen=True)
class Drawn:
    """A measure of all rows and of each resample; two of the same resampling are paired."""

    value: float
    draws: Numbers
    """`[resamples]`"""

    def minus(self, other: "Drawn") -> "Drawn":
        """The paired difference."""
        return Drawn(self.value - other.value, self.draws - other.draws)

    def figure(self) -> Figure:
        """With its interval."""
        known = self.draws[np.isfinite(self.draws)]
        if not len(known):
            return Figure(self.value, float("nan"), float("nan"))
        low, high = np.quantile(known, (0.025, 0.975))
        return Figure(self.value, float(low), float(high))


@dataclass(frozen=True)
class Resampling:
    """Poisson bootstrap: how often each user is drawn."""

    users: NDArray[np.int64]
    """`[N]` number of each row's user, from 0."""
    draws: NDArray[np.float32]
    """`[resamples, users]`"""

    @classmethod
    def of(cls, users: NDArray[np.int64], seed: int) -> "Resampling":
        """Draws over the users `[N]` of rows: any numbers that tell them apart."""
        _, numbered = np.unique(users, return_inverse=True)
        count = int(numbered.max(initial=0)) + 1
        resamples = int(np.clip(_MOST_DRAWS // count, 50, RESAMPLES))
        return cls(numbered, np.random.default_rng(seed).poisson(1.0, (resamples, count)).astype(np.float32))

    def sums(self, values: Numbers) -> Numbers:
        """`[resamples]` sum of the drawn rows' values."""
        by_user = np.bincount(self.users, values, self.draws.shape[1])
        return np.asarray(self.draws @ by_user, np.float64)

    def mean(self, values: Numbers) -> Drawn:
        """Of one value a row."""
        drawn = self.sums(values) / np.maximum(self.sums(np.ones(len(values))), 1e-9)
        return Drawn(float(values.mean()), drawn)


def measures(probability: Numbers, happened: Rows, resampling: Resampling) -> dict[str, Drawn]:
    """`auc`, `user_auc`, `log_loss` and `ece` (15 bins of equal counts) of one head."""
    return {
        "auc": Drawn(area_under_curve(probability, happened), _areas(probability, happened, resampling)),
        "user_auc": _user_area(probability, happened, resampling),
        "log_loss": resampling.mean(losses(probability, happened)),
        "ece": Drawn(
            calibration_error(probability, happened), _resampled(calibration_error, probability, happened, resampling)
        ),
    }


def losses(probability: Numbers, happened: Rows) -> Numbers:
    """`[N]` negative log likelihood in nats."""
    clipped = np.clip(probability, 1e-9, 1.0 - 1e-9)
    return np.asarray(-np.where(happened, np.log(clipped), np.log1p(-clipped)))


def calibrations(
    head: str, probability: Numbers, happened: Rows, segments: Mapping[str, Rows], resampling: Resampling
) -> list[Calibration]:
    """Predicted over observed of each segment with enough positives to say anything, and of everything."""
    found = []
    for name, rows in segments.items():
        observed = int(happened[rows].sum())
        if observed < LEAST_POSITIVES and name != EVERYTHING:
            continue
        ratio = float(probability[rows].sum()) / max(observed, 1)
        drawn = resampling.sums(probability * rows) / np.maximum(
            resampling.sums((happened & rows).astype(np.float64)), 1.0
        )
        found.append(Calibration(head, name, observed, Drawn(ratio, drawn).figure()))
    return found


def _areas(probability: Numbers, happened: Rows, resampling: Resampling) -> Numbers:
    """`[resamples]` areas under the curve of drawn rows (ties by order, which the value itself does not have)."""
    order = np.argsort(probability, kind="stable")
    drawn_users, positive = resampling.users[order], happened[order]
    areas = []
    for draw in resampling.draws:
        weight = draw[drawn_users].astype(np.float64)
        negatives = np.cumsum(weight * ~positive)
        total = float((weight * positive).sum()) * float(negatives[-1] if len(negatives) else 0.0)
        areas.append(float((weight * positive * negatives).sum()) / total if total else np.nan)
    return np.array(areas)


def _user_area(probability: Numbers, happened: Rows, resampling: Resampling) -> Drawn:
    users = resampling.users.astype(np.int32)
    order = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[order], prepend=-1))
    areas = np.array([area_under_curve(probability[rows], happened[rows]) for rows in np.split(order, starts[1:])])
    rows_of_user = np.where(np.isnan(areas), 0.0, np.bincount(users))
    weighted = np.nan_to_num(areas) * rows_of_user
    drawn = (resampling.draws @ weighted) / np.maximum(resampling.draws @ rows_of_user, 1e-9)
    return Drawn(area_under_curve_by_user(probability, happened, users), np.asarray(drawn, np.float64))


def _resampled(
    measure: Callable[[Numbers, Rows], float], probability: Numbers, happened: Rows, resampling: Resampling
) -> Numbers:
    found = []
    for draw in resampling.draws[:_SLOW_DRAWS]:
        rows = np.repeat(np.arange(len(happened)), draw[resampling.users].astype(np.int64))
        found.append(measure(probability[rows], happened[rows]))
    return np.array(found)
