"""How good probabilities are on impressions that nothing was fitted on, with 95 % bootstrap intervals over users."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.impressions.encoding import USER, Encoded
from lab.evaluation.impressions.prediction import HeldOut
from lab.evaluation.impressions.ratios import Numbers
from services.ranker.training.metrics import area_under_curve, area_under_curve_by_user, calibration_error

RESAMPLES = 400
_MOST_DRAWS = 40_000_000
"""With very many users there are fewer resamples, so that memory does not grow."""
JUDGED_POSITIVES = 1_000
"""With so many, predicted/observed must lie within .90 to 1.10."""
_LEAST_POSITIVES = 50
"""Segments with fewer are not shown."""
_MOST_SEGMENT_VALUES = 50


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


@dataclass(frozen=True)
class HeldOutFigures:
    """What is reported of the held-out part."""

    impressions: int
    clicks: int
    purchases: int
    measures: dict[str, Figure]
    """`click_auc`, `click_user_auc`, `click_log_loss`, `click_ece`, the same of `purchase_…`, and
    `click_log_loss_gain`: how much lower the loss is than that of each place's click rate. Nothing of purchases where
    there are none.
    """
    calibration: list[Calibration]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def figures_of(held_out: HeldOut, names_of: dict[str, list[str]], seed: int = 1) -> HeldOutFigures:
    """Measure a held-out part.

    Args:
        held_out: the impressions and what was said of them.
        names_of: column → the names of its codes, for the columns that segments are made of.
        seed: of the resampling.

    """
    encoded = held_out.encoded
    resampling, segments = _Resampling.of(encoded, seed), _segments(encoded, names_of)
    measures, calibration = {}, []
    heads = (("click", held_out.p_click, encoded.clicked), ("purchase", held_out.p_purchase, encoded.purchased))
    for head, probability, happened in heads:
        if happened.any():
            measures.update(_measures(head, probability, happened, resampling))
            calibration += _calibrations(head, probability, happened, segments, resampling)
    gain = _losses(held_out.baseline_click, encoded.clicked) - _losses(held_out.p_click, encoded.clicked)
    measures["click_log_loss_gain"] = resampling.mean(gain)
    counts = len(encoded), int(encoded.clicked.sum()), int(encoded.purchased.sum())
    return HeldOutFigures(*counts, measures, calibration)


@dataclass(frozen=True)
class _Resampling:
    """Poisson bootstrap: how often each user is drawn."""

    users: NDArray[np.int64]
    """`[N]` number of each row's user; rows of users without a name, or new ones, are each by request."""
    draws: NDArray[np.float32]
    """`[resamples, users]`"""

    @classmethod
    def of(cls, encoded: Encoded, seed: int) -> "_Resampling":
        code = encoded.codes[USER]
        _, users = np.unique(np.where(code >= 0, code, -1 - encoded.requests), return_inverse=True)
        count = int(users.max(initial=0)) + 1
        resamples = int(np.clip(_MOST_DRAWS // count, 50, RESAMPLES))
        return cls(users, np.random.default_rng(seed).poisson(1.0, (resamples, count)).astype(np.float32))

    def sums(self, values: Numbers) -> Numbers:
        """`[resamples]` sum of the drawn rows' values."""
        by_user = np.bincount(self.users, values, self.draws.shape[1])
        return np.asarray(self.draws @ by_user, np.float64)

    def mean(self, values: Numbers) -> Figure:
        """Of one value a row."""
        drawn = self.sums(values) / np.maximum(self.sums(np.ones(len(values))), 1e-9)
        return _figure(float(values.mean()), drawn)


def _measures(
    head: str, probability: Numbers, happened: NDArray[np.bool_], resampling: _Resampling
) -> dict[str, Figure]:
    return {
        f"{head}_auc": _figure(area_under_curve(probability, happened), _areas(probability, happened, resampling)),
        f"{head}_user_auc": _user_area(probability, happened, resampling),
        f"{head}_log_loss": resampling.mean(_losses(probability, happened)),
        f"{head}_ece": _figure(
            calibration_error(probability, happened), _resampled(calibration_error, probability, happened, resampling)
        ),
    }


def _losses(probability: Numbers, happened: NDArray[np.bool_]) -> Numbers:
    clipped = np.clip(probability, 1e-9, 1.0 - 1e-9)
    return np.asarray(-np.where(happened, np.log(clipped), np.log1p(-clipped)))


def _areas(probability: Numbers, happened: NDArray[np.bool_], resampling: _Resampling) -> Numbers:
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


def _user_area(probability: Numbers, happened: NDArray[np.bool_], resampling: _Resampling) -> Figure:
    users = resampling.users.astype(np.int32)
    order = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[order], prepend=-1))
    areas = np.array([area_under_curve(probability[rows], happened[rows]) for rows in np.split(order, starts[1:])])
    rows_of_user = np.where(np.isnan(areas), 0.0, np.bincount(users))
    weighted = np.nan_to_num(areas) * rows_of_user
    drawn = (resampling.draws @ weighted) / np.maximum(resampling.draws @ rows_of_user, 1e-9)
    return _figure(area_under_curve_by_user(probability, happened, users), np.asarray(drawn, np.float64))


def _resampled(
    measure: Callable[[Numbers, NDArray[np.bool_]], float],
    probability: Numbers,
    happened: NDArray[np.bool_],
    resampling: _Resampling,
) -> Numbers:
    """`[40]` of a measure that has no quick way: fewer draws."""
    found = []
    for draw in resampling.draws[:40]:
        rows = np.repeat(np.arange(len(happened)), draw[resampling.users].astype(np.int64))
        found.append(measure(probability[rows], happened[rows]))
    return np.array(found)


def _segments(encoded: Encoded, names_of: dict[str, list[str]]) -> dict[str, NDArray[np.bool_]]:
    """Name → rows: everything, each place, each value of columns with few values."""
    segments = {"everything": np.ones(len(encoded), np.bool_)}
    for column, names in names_of.items():
        codes = encoded.places if column == "position" else encoded.codes[column]
        if len(names) > _MOST_SEGMENT_VALUES and column != "position":
            continue
        segments.update({f"{column} {name}": codes == code for code, name in enumerate(names)})
    return segments


def _calibrations(
    head: str,
    probability: Numbers,
    happened: NDArray[np.bool_],
    segments: dict[str, NDArray[np.bool_]],
    resampling: _Resampling,
) -> list[Calibration]:
    found = []
    for name, rows in segments.items():
        observed = int(happened[rows].sum())
        if observed < _LEAST_POSITIVES and name != "everything":
            continue
        ratio = float(probability[rows].sum()) / max(observed, 1)
        drawn = resampling.sums(probability * rows) / np.maximum(
            resampling.sums((happened & rows).astype(np.float64)), 1.0
        )
        found.append(Calibration(head, name, observed, _figure(ratio, drawn)))
    return found


def _figure(value: float, drawn: Numbers) -> Figure:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return Figure(value, float("nan"), float("nan"))
    low, high = np.quantile(known, (0.025, 0.975))
    return Figure(value, float(low), float(high))
