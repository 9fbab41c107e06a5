"""Each loss against its formula in numpy."""

import numpy as np
import pytest
from keras import ops

from services.user_profile.training import losses

RANDOM = np.random.default_rng(5)
SCORES = RANDOM.normal(size=(4, 7)).astype(np.float32)
TARGETS = RANDOM.integers(0, 3, size=(4, 7)).astype(np.float32)
MEAN, LOG_VARIANCE, OLD_MEAN, OLD_LOG_VARIANCE, SAMPLE = RANDOM.normal(size=(5, 4, 3)).astype(np.float32)
WEIGHTS = np.array([0.1, 1.0, 2.0, 0.0], np.float32)


def normal_density(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def test_squared_error_is_half_the_sum_of_squares():
    expected = np.mean([0.5 * sum((x - y) ** 2) for x, y in zip(SCORES, TARGETS, strict=True)])
    assert float(losses.squared_error(ops.array(SCORES), ops.array(TARGETS))) == pytest.approx(expected, rel=1e-5)


def test_multinomial_is_the_likelihood_of_the_items_under_a_softmax():
    probabilities = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
    expected = -np.mean((TARGETS * np.log(probabilities)).sum(axis=1))
    assert float(losses.multinomial(ops.array(SCORES), ops.array(TARGETS))) == pytest.approx(expected, rel=1e-5)


def test_divergence_from_the_normal_is_the_closed_form():
    variance = np.exp(LOG_VARIANCE)
    expected = np.mean((0.5 * (variance + MEAN**2 - 1 - LOG_VARIANCE)).sum(axis=1))
    got = float(losses.normal_divergence(ops.array(MEAN), ops.array(LOG_VARIANCE)))
    assert got == pytest.approx(expected, rel=1e-5)


def test_composite_divergence_is_the_log_ratio_of_posterior_and_mixture():
    mixture = (
        3 / 20 * normal_density(SAMPLE, 0.0, 1.0)
        + 3 / 4 * normal_density(SAMPLE, OLD_MEAN, np.exp(OLD_LOG_VARIANCE))
        + 1 / 10 * normal_density(SAMPLE, 0.0, np.exp(10.0))
    )
    ratio = np.log(normal_density(SAMPLE, MEAN, np.exp(LOG_VARIANCE))) - np.log(mixture)
    expected = np.mean(WEIGHTS * ratio.sum(axis=1))
    got = losses.composite_divergence(
        ops.array(SAMPLE),
        (ops.array(MEAN), ops.array(LOG_VARIANCE)),
        (ops.array(OLD_MEAN), ops.array(OLD_LOG_VARIANCE)),
        ops.array(WEIGHTS),
    )
    assert float(got) == pytest.approx(expected, rel=1e-4)
