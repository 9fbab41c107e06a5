"""P(examined | device, row, column) from logged clicks: the position-based model, fitted by maximum likelihood.

P(click) = examination(slot) * P(click | examined). Relevance is either a number of each row that a model gave, or is
learnt beside the curves by logistic regression on features (the model of Wang et al. 2018, without their EM). Clicks
alone do not fix the scale of examination: the best slot of each device is 1 by convention.
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
    """Curves and a logistic regression of relevance on `[N, p]` features, by turns, each the likeliest given the other.

    Where few of those who look click, a step of EM moves a curve by about that share of the way only (from one half, in
    thirty steps hardly at all); so examination is computed, not stepped to.
    """
    design = np.column_stack([np.ones(len(clicked)), features]).astype(np.float64)
    weights = np.zeros(design.shape[1])
    weights[0] = _logit(min(max(2.0 * float(clicked.mean()), 1e-4), 0.9))
    index, shape = _slot_index(slots)
    for _ in range(iterations):
        theta = _ratios(index, clicked, _sigmoid(design @ weights))
        weights = _scoring_step(design, clicked, theta[index], weights)
    return _curves(index, slots, shape, clicked, _sigmoid(design @ weights))


def fit_examination_given_relevance(
    slots: Slots, relevance: NDArray[np.float64], clicked: NDArray[np.bool_]
) -> Examination:
    """The curves alone, where a model already says `[N]` P(click | examined) up to a factor for each device."""
    index, shape = _slot_index(slots)
    return _curves(index, slots, shape, clicked, np.clip(relevance, 1e-6, 1.0 - 1e-6))


def _ratios(
    index: NDArray[np.int64], clicked: NDArray[np.bool_], relevance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Examination of each slot: clicks over those it would have if everybody looked; the best believable one is 1."""
    clicks, expected = np.bincount(index, clicked), np.bincount(index, relevance)
    overall = clicks.sum() / expected.sum()
    theta = (clicks + 1.0) / (expected + 1.0 / max(overall, 1e-6))
    trusted = clicks >= min(_PRIOR_CLICKS, float(clicks.max()))
    return np.asarray(np.clip(theta / theta[trusted].max(), 1e-4, 1.0 - 1e-4), np.float64)


def _scoring_step(
    design: NDArray[np.float64], clicked: NDArray[np.bool_], theta: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One ridge-damped step of Fisher scoring of P(click) = theta * sigmoid(design @ weights)."""
    relevance = _sigmoid(design @ weights)
    click = theta * relevance
    slope = (1.0 - relevance) * (clicked - click) / (1.0 - click)
    information = click * (1.0 - relevance) ** 2 / (1.0 - click)
    curvature = (design * information[:, None]).T @ design
    curvature[np.diag_indices_from(curvature)] += 1.0
    return np.asarray(weights + np.linalg.solve(curvature, design.T @ slope - weights), np.float64)


def _slot_index(slots: Slots) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """`[N]` a number for each (device, row, column), and the sizes of the three."""
    shape = tuple(int(part.max(initial=0)) + 1 for part in (slots.devices, slots.rows, slots.columns))
    index = np.ravel_multi_index((slots.devices, slots.rows, slots.columns), shape)
    return index.astype(np.int64), (shape[0], shape[1], shape[2])


def _curves(
    index: NDArray[np.int64],
    slots: Slots,
    shape: tuple[int, int, int],
    clicked: NDArray[np.bool_],
    relevance: NDArray[np.float64],
) -> Examination:
    """Tables by device, thin slots drawn towards row and column effects, the best slot 1."""
    size = shape[0] * shape[1] * shape[2]
    clicks = np.bincount(index, clicked, size).reshape(shape).astype(np.float64)
    expected = np.bincount(index, relevance, size).reshape(shape).astype(np.float64)
    prior = _PRIOR_CLICKS * expected.sum() / max(float(clicks.sum()), 1.0)
    curves = {}
    for device in np.unique(slots.devices).tolist():
        used_rows = int(np.flatnonzero(expected[device].sum(axis=1)).max()) + 1
        used_columns = int(np.flatnonzero(expected[device].sum(axis=0)).max()) + 1
        seen = expected[device, :used_rows, :used_columns]
        curve = _smooth(clicks[device, :used_rows, :used_columns], seen, prior)
        # The anchor is the best slot that was seen often enough to be believed.
        trusted = seen >= min(prior, seen.max())
        curves[device] = np.clip(curve / curve[trusted].max(), LEAST, 1.0)
    return Examination(curves)


_PRIOR_CLICKS = 30.0
"""What a slot's neighbours count: as many impressions as bring this many clicks on average."""


def _smooth(clicks: NDArray[np.float64], expected: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Clicks over expected ones, drawn towards row effect × column effect; row effects do not rise on the way down."""
    overall = clicks.sum() / expected.sum()
    by_row = (clicks.sum(axis=1) + overall) / (expected.sum(axis=1) + 1.0)
    by_row = isotonic_regression(by_row, weights=expected.sum(axis=1) + 1.0, increasing=False).x
    by_row_alone = (by_row[:, None] * expected).sum(axis=0)
    by_column = (clicks.sum(axis=0) + 1.0) / (by_row_alone + 1.0)
    drawn_to = np.maximum(by_row[:, None] * by_column[None, :], 1e-4)
    smooth: NDArray[np.float64] = (clicks + prior * drawn_to) / (expected + prior)
    return smooth


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
    np.clip(probability, 1e-6, 1.0 - 1e-6, out=probability)
    return probability


def _logit(probability: float) -> float:
    return float(np.log(probability / (1.0 - probability)))
