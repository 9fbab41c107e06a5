"""How good probabilities are on the held-out part of a file of impressions."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.impressions.encoding import USER, Encoded
from lab.evaluation.impressions.prediction import HeldOut
from lab.evaluation.probability_figures import (
    EVERYTHING,
    Calibration,
    Figure,
    Resampling,
    calibrations,
    losses,
    measures,
)

_MOST_SEGMENT_VALUES = 50


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
    resampling, segments = _resampling_of(encoded, seed), _segments(encoded, names_of)
    measured: dict[str, Figure] = {}
    calibration: list[Calibration] = []
    heads = (("click", held_out.p_click, encoded.clicked), ("purchase", held_out.p_purchase, encoded.purchased))
    for head, probability, happened in heads:
        if happened.any():
            found = measures(probability, happened, resampling)
            measured |= {f"{head}_{name}": drawn.figure() for name, drawn in found.items()}
            calibration += calibrations(head, probability, happened, segments, resampling)
    gain = losses(held_out.baseline_click, encoded.clicked) - losses(held_out.p_click, encoded.clicked)
    measured["click_log_loss_gain"] = resampling.mean(gain).figure()
    counts = len(encoded), int(encoded.clicked.sum()), int(encoded.purchased.sum())
    return HeldOutFigures(*counts, measured, calibration)


def _resampling_of(encoded: Encoded, seed: int) -> Resampling:
    """Rows of users without a name, or new ones, are drawn by request."""
    code = encoded.codes[USER]
    return Resampling.of(np.where(code >= 0, code, -1 - encoded.requests), seed)


def _segments(encoded: Encoded, names_of: dict[str, list[str]]) -> dict[str, NDArray[np.bool_]]:
    """Name → rows: everything, each place, each value of columns with few values."""
    segments = {EVERYTHING: np.ones(len(encoded), np.bool_)}
    for column, names in names_of.items():
        codes = encoded.places if column == "position" else encoded.codes[column]
        if len(names) > _MOST_SEGMENT_VALUES and column != "position":
            continue
        segments.update({f"{column} {name}": codes == code for code, name in enumerate(names)})
    return segments
