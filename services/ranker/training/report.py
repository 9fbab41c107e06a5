"""How good a fusion model is on one set of impressions, and how far training and held-out data are apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.metrics import (
    area_under_curve,
    area_under_curve_by_user,
    calibration_error,
    log_loss,
)
from services.ranker.training.rows import ImpressionRows


@dataclass(frozen=True)
class Scores:
    """Probabilities of rows, examination left out; `[N]` each."""

    click: NDArray[np.float64]
    """p_click_if_seen."""
    purchase: NDArray[np.float64]
    """p_purchase_if_seen."""


def measure(scores: Scores, rows: ImpressionRows, examination: NDArray[np.float32]) -> dict[str, float]:
    """Figures by name.

    `*_auc` and `*_user_auc` judge the order of p_…_if_seen, which serving uses; losses and calibration errors judge
    examination × p_…_if_seen, which is what a log can show. `*_rate` is how often it happened to an item that was
    shown, `*_predicted` how often the model expected it to.
    """
    users = rows.users[rows.request_of_row]
    figures: dict[str, float] = {}
    outcomes = (("click", scores.click, rows.clicked), ("purchase", scores.purchase, rows.purchased))
    for name, probability, happened in outcomes:
        observed = probability * examination
        figures[f"{name}_auc"] = area_under_curve(probability, happened)
        figures[f"{name}_user_auc"] = area_under_curve_by_user(probability, happened, users)
        figures[f"{name}_log_loss"] = log_loss(observed, happened)
        figures[f"{name}_calibration_error"] = calibration_error(observed, happened)
        figures[f"{name}_rate"] = float(happened.mean())
        figures[f"{name}_predicted"] = float(observed.mean())
    return figures


def compare(splits: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """`<split>.<figure>` for every split, and `gap.<figure>` = train − held_out of what measures the model. NaNs (one
    class only) are left out.
    """
    figures = {
        f"{split}.{name}": value
        for split, measured in splits.items()
        for name, value in measured.items()
        if not np.isnan(value)
    }
    for name in splits.get("train", {}):
        if name.endswith(("_rate", "_predicted")):
            continue  # they are of the pages, and no measure of the model
        both = figures.get(f"train.{name}"), figures.get(f"held_out.{name}")
        if both[0] is not None and both[1] is not None:
            figures[f"gap.{name}"] = both[0] - both[1]
    return figures
