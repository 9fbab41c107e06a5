"""Measures of probabilities against what happened, in numpy."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


def area_under_curve(scores: Numbers, happened: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counting half (Mann–Whitney); NaN when only one class is there."""
    positive = int(happened.sum())
    negative = len(happened) - positive
    if not positive or not negative:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2.0
    return float((rank[place][happened].sum() - positive * (positive + 1) / 2.0) / (positive * negative))


def area_under_curve_by_user(scores: Numbers, happened: NDArray[np.bool_], users: NDArray[np.int32]) -> float:
    """Mean of the users' own areas, weighted by their impressions; users with one class only are left out."""
    order = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[order], prepend=users[order][:1] - 1))
    areas, weights = [], []
    for rows in np.split(order, starts[1:]):
        area = area_under_curve(scores[rows], happened[rows])
        if not np.isnan(area):
            areas.append(area)
            weights.append(len(rows))
    return float(np.average(areas, weights=weights)) if areas else float("nan")


def log_loss(probability: Numbers, happened: NDArray[np.bool_]) -> float:
    """Mean negative log likelihood in nats."""
    clipped = np.clip(probability.astype(np.float64), 1e-7, 1.0 - 1e-7)
    return float(-np.mean(np.where(happened, np.log(clipped), np.log1p(-clipped))))


def calibration_error(probability: Numbers, happened: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over bins of equal counts (Nguyen & O'Connor 2015)."""
    if not len(probability):
        return float("nan")
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(float(probability[part].mean()) - float(happened[part].mean())) * len(part) for part in parts]
    return float(sum(gaps) / len(order))
