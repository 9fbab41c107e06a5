"""Probabilities that mean what they say, and when to say nothing."""

import numpy as np
from scipy.optimize import minimize_scalar

TEMPERATURE_RANGE = (0.1, 10.0)


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The divisor of held-out `logits [n, classes]` that makes their classes most likely (Guo et al., ICML 2017)."""

    def negative_log_likelihood(log_temperature: float) -> float:
        return -float(np.mean(log_softmax(logits / np.exp(log_temperature))[np.arange(len(classes)), classes]))

    found = minimize_scalar(negative_log_likelihood, bounds=np.log(TEMPERATURE_RANGE), method="bounded")
    return float(np.exp(found.x))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def abstention_threshold(confidences: np.ndarray, correct: np.ndarray, target_precision: float) -> float | None:
    """The lowest confidence at which held-out answers are right often enough, or None when there is none.

    Answers at or above the threshold are right in at least `target_precision` of cases. 0 when all may be
    said.
    """
    order = np.argsort(-confidences, kind="stable")
    precision = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    sufficient = np.flatnonzero(precision >= target_precision)
    if not len(sufficient):
        return None
    if sufficient[-1] == len(order) - 1:
        return 0.0
    # Strictly above the first answer that must not be said; ties with it fall on its side.
    said = order[: sufficient[-1] + 1]
    first_unsaid = confidences[order[sufficient[-1] + 1]]
    above = confidences[said][confidences[said] > first_unsaid]
    return float(above.min()) if len(above) else None


def expected_calibration_error(confidences: np.ndarray, correct: np.ndarray, bin_count: int = 10) -> float:
    """Mean distance of confidence from accuracy over bins of equal count (Naeini et al., AAAI 2015)."""
    order = np.argsort(confidences, kind="stable")
    bins = [rows for rows in np.array_split(order, bin_count) if len(rows)]
    gaps = [len(rows) * abs(confidences[rows].mean() - correct[rows].mean()) for rows in bins]
    return float(sum(gaps) / max(len(order), 1))


def calibration_error_in_even_bins(confidences: np.ndarray, correct: np.ndarray, bin_count: int = 10) -> float:
    """The same over bins of equal width, as most publications count it (Guo et al., ICML 2017)."""
    bins = np.minimum((confidences * bin_count).astype(np.int64), bin_count - 1)
    gaps = np.bincount(bins, weights=confidences - correct, minlength=bin_count)
    return float(np.abs(gaps).sum() / max(len(bins), 1))


def accuracy_at_coverage(confidences: np.ndarray, correct: np.ndarray, coverage: float) -> float:
    """Share of right answers among the `coverage` most confident; NaN without answers."""
    count = round(coverage * len(confidences))
    surest = np.argsort(-confidences, kind="stable")[:count]
    return float(correct[surest].mean()) if count else float("nan")
