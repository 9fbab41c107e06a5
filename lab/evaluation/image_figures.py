"""How good a picture classifier is, on pictures that it has not seen, with 95 % intervals over pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.statistics import RESAMPLES, Interval
from services.item_vision.training.calibration import accuracy_at_coverage, calibration_error_in_even_bins
from services.item_vision.training.retrieval import average_precisions

COVERAGE = 0.9
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Said:
    """Answers and truth."""

    probabilities: NDArray[np.float32]
    """`[n, classes]`."""
    classes: NDArray[np.int64]
    """`[n]` the true ones."""

    @property
    def correct(self) -> NDArray[np.float64]:
        """`[n]` 1 where the most probable class is the true one."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.classes, np.float64)

    @property
    def confidences(self) -> NDArray[np.float64]:
        """`[n]` probability of the most probable class."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)


@dataclass(frozen=True)
class Vectors:
    """Two spaces of the same pictures."""

    untuned: NDArray[np.float32]
    tuned: NDArray[np.float32]
    families: NDArray[np.int64]
    """`[n]` equal for near-duplicates, which do not count as found."""
    spaces: NDArray[np.int64]
    """`[n]` pictures are only compared with those of the same number."""


def class_figures(said: Said) -> Figures:
    """Accuracy, calibration error in ten bins of even width, and accuracy of the most confident 90 %."""
    confidences, correct = said.confidences, said.correct

    def interval(measure: Callable[[NDArray[np.int64]], float]) -> dict[str, float]:
        return _interval(measure, len(correct)).as_dict()

    return {
        "accuracy": interval(lambda rows: float(correct[rows].mean())),
        "calibration_error": interval(lambda rows: calibration_error_in_even_bins(confidences[rows], correct[rows])),
        "accuracy_at_90_percent_coverage": interval(
            lambda rows: accuracy_at_coverage(confidences[rows], correct[rows], COVERAGE)
        ),
    }


def retrieval_figures(vectors: Vectors, classes: NDArray[np.int64]) -> Figures:
    """Same-class mAP@10 of both spaces, and the paired difference; empty when no picture has another of its class."""
    found = np.full((2, len(classes)), np.nan)
    for space in np.unique(vectors.spaces):
        rows = np.flatnonzero(vectors.spaces == space)
        for each, kind in zip(found, (vectors.untuned, vectors.tuned), strict=True):
            each[rows] = average_precisions(kind[rows], classes[rows], vectors.families[rows])
    found = found[:, np.isfinite(found[0])]
    if not found.shape[1]:
        return {}
    untuned, tuned = found
    kinds = {"map_at_10_untuned": untuned, "map_at_10_embedding": tuned, "map_at_10_gain": tuned - untuned}
    return {name: _mean(values).as_dict() for name, values in kinds.items()}


def _mean(values: NDArray[np.float64]) -> Interval:
    return _interval(lambda rows: float(values[rows].mean()), len(values))


def _interval(measure: Callable[[NDArray[np.int64]], float], count: int) -> Interval:
    generator = np.random.default_rng(1)
    again = [measure(generator.integers(0, count, count)) for _ in range(RESAMPLES)]
    low, high = np.quantile(again, (0.025, 0.975))
    return Interval(measure(np.arange(count)), float(low), float(high), count)
