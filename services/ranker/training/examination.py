"""P(examined | device, row, column) from logged clicks: the position-based model, fitted by EM.

P(click) = examination(slot) * P(click | examined). Relevance is either a number of each row that a model gave, or is
learnt beside the curves by logistic regression on features (regression-EM, Wang et al. 2018). Clicks alone do not fix
the scale of examination: the best slot of each device is 1 by convention.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

LEAST = 0.01
"""No slot is examined less often than this; it bounds what a click in a bad slot can weigh."""


@dataclass(frozen=True)
class Examination:
    """Examination curves by device; slots beyond a curve's edge take the edge's value."""

    curves: Mapping[int, NDArray[np.float64]]
    """Number of the Device enum → `[rows, columns]`."""

    def probability(
        self, devices: NDArray[np.int32], rows: NDArray[np.int32], columns: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """`[N]` P(examined). A device without a curve takes the first device's."""
        answer = np.ones(len(rows), np.float32)
        first = next(iter(self.curves))
        for device in np.unique(devices).tolist():
            curve = self.curves.get(device, self.curves[first])
            here = devices == device
            row = np.clip(rows[here], 0, curve.shape[0] - 1)
            column = np.clip(columns[here], 0, curve.shape[1] - 1)
            answer[here] = curve[row, column]
        return answer

    def save(self, path: Path) -> None:
        """Writes `examination.json`: {"curves": {device number: [rows][columns]}}."""
        curves = {str(device): curve.round(6).tolist() for device, curve in sorted(self.curves.items())}
        path.write_text(json.dumps({"curves": curves}) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote."""
        curves = json.loads(path.read_text("utf-8"))["curves"]
        return cls({int(device): np.asarray(curve) for device, curve in curves.items()})


@dataclass(frozen=True)
class Slots:
    """Where each logged row stood."""

    devices: NDArray[np.int32]
    """`[N]`"""
    rows: NDArray[np.int32]
    """`[N]`"""
    columns: NDArray[np.int32]
    """`[N]`"""


def fit_examination(
    slots: Slots, features: NDArray[np.float64], clicked: NDArray[np.bool_], iterations: int = 30
) -> Examination:
    """Regression-EM: curves and a logistic regression of relevance on `[N, p]` features, by turns."""
    design = np.column_stack([np.ones(len(clicked)), features]).astype(np.float64)
    weights = np.zeros(design.shape[1])
    weights[0] = _logit(min(max(2.0 * float(clicked.mean()), 1e-4), 0.9))
    index, shape = _slot_index(slots)
    theta = np.full(int(index.max(initial=0)) + 1, 0.5)
    for _ in range(iterations):
        relevance = _sigmoid(design @ weights)
        examined, relevant = _expectations(theta[index], relevance, clicked)
        theta = _mean_by(index, examined, len(theta))
        weights = _newton_step(design, relevant, weights)
    return _curves(index, slots, shape, examined, _PRIOR_CLICKS / max(float(clicked.mean()), 1e-4))


def fit_examination_given_relevance(
    slots: Slots, relevance: NDArray[np.float64], clicked: NDArray[np.bool_], iterations: int = 100
) -> Examination:
    """EM of the curves alone, where a model already says `[N]` P(click | examined) up to a factor for each device."""
    index, shape = _slot_index(slots)
    theta = np.full(int(index.max(initial=0)) + 1, 0.5)
    clipped = np.clip(relevance, 1e-6, 1.0 - 1e-6)
    for _ in range(iterations):
        examined, _ = _expectations(theta[index], clipped, clicked)
        theta = _mean_by(index, examined, len(theta))
    return _curves(index, slots, shape, examined, _PRIOR_CLICKS / max(float(clicked.mean()), 1e-4))


def _expectations(
    theta: NDArray[np.float64], relevance: NDArray[np.float64], clicked: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E-step: P(examined | click or not) and P(relevant | click or not). A click proves both."""
    neither = np.maximum(1.0 - theta * relevance, 1e-9)
    examined = np.where(clicked, 1.0, theta * (1.0 - relevance) / neither)
    relevant = np.where(clicked, 1.0, (1.0 - theta) * relevance / neither)
    return examined, relevant


def _newton_step(
    design: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One ridge-damped Newton step of logistic regression towards soft targets."""
    probability = _sigmoid(design @ weights)
    gradient = design.T @ (target - probability) - 1.0 * weights
    curvature = (design * (probability * (1.0 - probability))[:, None]).T @ design
    curvature[np.diag_indices_from(curvature)] += 1.0
    return weights + np.linalg.solve(curvature, gradient)


def _slot_index(slots: Slots) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """`[N]` a number for each (device, row, column), and the sizes of the three."""
    shape = tuple(int(part.max(initial=0)) + 1 for part in (slots.devices, slots.rows, slots.columns))
    index = np.ravel_multi_index((slots.devices, slots.rows, slots.columns), shape)
    return index.astype(np.int64), (shape[0], shape[1], shape[2])


def _mean_by(index: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    counts = np.maximum(np.bincount(index, minlength=size), 1)
    return np.clip(np.bincount(index, values, size) / counts, 1e-4, 1.0 - 1e-4)


def _curves(
    index: NDArray[np.int64],
    slots: Slots,
    shape: tuple[int, int, int],
    examined: NDArray[np.float64],
    prior_rows: float,
) -> Examination:
    """Tables by device, thin slots drawn towards row and column effects, the best slot 1."""
    size = shape[0] * shape[1] * shape[2]
    counts = np.bincount(index, minlength=size).reshape(shape).astype(np.float64)
    sums = np.bincount(index, examined, size).astype(np.float64).reshape(shape)
    curves = {}
    for device in np.unique(slots.devices).tolist():
        used_rows = int(np.flatnonzero(counts[device].sum(axis=1)).max()) + 1
        used_columns = int(np.flatnonzero(counts[device].sum(axis=0)).max()) + 1
        seen = counts[device, :used_rows, :used_columns]
        curve = _smooth(sums[device, :used_rows, :used_columns], seen, prior_rows)
        # The anchor is the best slot that was seen often enough to be believed.
        trusted = seen >= min(prior_rows, seen.max())
        curves[device] = np.clip(curve / curve[trusted].max(), LEAST, 1.0)
    return Examination(curves)


_PRIOR_CLICKS = 30.0
"""What a slot's neighbours count: as many impressions as bring this many clicks on average."""


def _smooth(sums: NDArray[np.float64], counts: NDArray[np.float64], prior_rows: float) -> NDArray[np.float64]:
    """Slot means drawn towards (row effect × column effect); row effects do not rise on the way down."""
    overall = sums.sum() / counts.sum()
    by_row = (sums.sum(axis=1) + overall) / (counts.sum(axis=1) + 1.0)
    by_row = isotonic_regression(by_row, weights=counts.sum(axis=1) + 1.0, increasing=False).x
    expected = (by_row[:, None] * counts).sum(axis=0)
    by_column = (sums.sum(axis=0) + 1.0) / (expected + 1.0)
    prior = np.clip(by_row[:, None] * by_column[None, :], 1e-4, 1.0)
    smooth: NDArray[np.float64] = (sums + prior_rows * prior) / (counts + prior_rows)
    return smooth


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
    np.clip(probability, 1e-6, 1.0 - 1e-6, out=probability)
    return probability


def _logit(probability: float) -> float:
    return float(np.log(probability / (1.0 - probability)))
