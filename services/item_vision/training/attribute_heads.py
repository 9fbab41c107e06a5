"""Fits one attribute head: classes, calibration and when to abstain, all judged on rows it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.item_vision.model.heads import AttributeHead
from services.item_vision.training.basis import FeatureBasis
from services.item_vision.training.calibration import (
    abstention_threshold,
    expected_calibration_error,
    fit_temperature,
    log_softmax,
)
from services.item_vision.training.examples import class_numbers
from services.item_vision.training.logistic import fit_logistic


@dataclass(frozen=True)
class AttributeSettings:
    """How attribute heads are fitted."""

    least_examples: int = 12
    """Values with fewer items are not learned."""
    greatest_class_count: int = 64
    """Only the most frequent values are learned."""
    l2: float = 0.1
    """Weight decay in the basis. Best of .03 to 1 on the clothing photographs (held-out .89 at 256 directions)."""
    fold_count: int = 3
    """Each row's held-out prediction comes from a fit on the other folds."""
    target_precision: float = 0.9
    """A value is said only at a confidence at which this share of held-out answers was right."""
    least_coverage: float = 0.02
    """A head that could say less often than this is left out: the attribute cannot be seen."""


@dataclass(frozen=True)
class AttributeReport:
    """How well an attribute is read, held-out unless said otherwise."""

    class_count: int
    example_count: int
    train_accuracy: float
    held_out_accuracy: float
    majority_accuracy: float
    """Of always saying the most frequent value."""
    calibration_error: float
    """Expected calibration error, 10 bins."""
    temperature: float
    abstain_below: float
    coverage: float
    """Share of pictures about which a value is said."""
    precision: float
    """Share of said values that are right."""


class AttributeUnreadableError(ValueError):
    """An attribute cannot be learned from these pictures; the message says why."""


@dataclass(frozen=True)
class FittingRows:
    """Coordinates in the basis, and what each row is."""

    coordinates: np.ndarray
    """`[n, rank]`: items first, altered copies after them."""
    items: np.ndarray
    """`[n]` the item that each row shows."""
    folds: np.ndarray
    """`[items]`."""


def fit_attribute(
    name: str, values: Sequence[str | None], rows: FittingRows, basis: FeatureBasis, settings: AttributeSettings
) -> tuple[AttributeHead, AttributeReport]:
    """The head of one attribute and its report.

    Raises:
        AttributeUnreadableError: Fewer than two values have enough examples, or no confidence is high enough.

    """
    classes, numbers = class_numbers(values, settings.least_examples, settings.greatest_class_count)
    if len(classes) < 2:
        raise AttributeUnreadableError(f"fewer than 2 values have {settings.least_examples} items")
    labelled = np.flatnonzero(numbers >= 0)
    targets = numbers[labelled]
    logits = _held_out_logits(rows, numbers, len(classes), settings)[labelled]
    temperature = fit_temperature(logits, targets)
    probabilities = np.exp(log_softmax(logits / temperature))
    confidences, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    abstain_below = abstention_threshold(confidences, correct, settings.target_precision)
    if abstain_below is None or (confidences >= abstain_below).mean() < settings.least_coverage:
        raise AttributeUnreadableError(f"never right in {settings.target_precision:.0%} of cases")
    kernel, bias = _fit(rows, numbers, np.ones(len(numbers), bool), len(classes), settings)
    said = confidences >= abstain_below
    train_logits = rows.coordinates[labelled] @ kernel + bias
    report = AttributeReport(
        class_count=len(classes),
        example_count=len(labelled),
        train_accuracy=float((train_logits.argmax(axis=1) == targets).mean()),
        held_out_accuracy=float(correct.mean()),
        majority_accuracy=float(np.bincount(targets).max() / len(targets)),
        calibration_error=expected_calibration_error(confidences, correct),
        temperature=temperature,
        abstain_below=abstain_below,
        coverage=float(said.mean()),
        precision=float(correct[said].mean()),
    )
    raw_kernel, raw_bias = basis.unfold(kernel, bias)
    return AttributeHead(name, classes, raw_kernel, raw_bias, temperature, abstain_below), report


def _held_out_logits(
    rows: FittingRows, numbers: np.ndarray, class_count: int, settings: AttributeSettings
) -> np.ndarray:
    logits = np.zeros((len(numbers), class_count), np.float32)
    for fold in range(settings.fold_count):
        held_out = rows.folds == fold
        kernel, bias = _fit(rows, numbers, ~held_out, class_count, settings)
        logits[held_out] = rows.coordinates[: len(numbers)][held_out] @ kernel + bias
    return logits


def _fit(
    rows: FittingRows, numbers: np.ndarray, chosen: np.ndarray, class_count: int, settings: AttributeSettings
) -> tuple[np.ndarray, np.ndarray]:
    used = np.flatnonzero((chosen & (numbers >= 0))[rows.items])
    return fit_logistic(rows.coordinates[used], numbers[rows.items[used]], class_count, settings.l2)
