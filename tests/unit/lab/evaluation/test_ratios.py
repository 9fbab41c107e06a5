"""Counts of values, drawn towards what is expected."""

import numpy as np
import pytest

from lab.evaluation.impressions.ratios import Outcomes, best_strength, count, effect, logit


def outcomes(happened: np.ndarray, blocks: int = 4) -> Outcomes:
    rows = len(happened)
    return Outcomes(happened, np.full(rows, happened.mean()), np.ones(rows, np.bool_), np.arange(rows) * blocks // rows)


def test_values_that_differ_are_believed_the_more_the_more_is_known_of_them() -> None:
    random = np.random.default_rng(1)
    rates = random.choice([0.05, 0.4], 200)
    codes = random.integers(0, 200, 20_000)
    ratios, _ = count(codes, outcomes(random.random(20_000) < rates[codes]))
    strength, gain = best_strength(ratios)
    assert gain > 100
    found = effect(ratios.sums(np.arange(200)), strength)
    assert np.corrcoef(found, logit(rates))[0, 1] > 0.9


def test_where_values_do_not_differ_they_say_nothing() -> None:
    random = np.random.default_rng(2)
    codes = random.integers(0, 200, 20_000)
    ratios, sums = count(codes, outcomes(random.random(20_000) < 0.1))
    strength, gain = best_strength(ratios)
    assert (strength, gain) == (np.inf, 0.0)
    assert not effect(sums, strength).any()


def test_a_row_is_told_of_everything_but_its_own_block() -> None:
    codes, happened = np.array([0, 0, 0, 1]), np.array([True, True, False, False])
    ratios, sums = count(codes, outcomes(happened, blocks=4))
    assert ratios.happened.tolist() == [2, 0]
    assert sums.happened.tolist() == [1, 1, 2, 0]
    assert sums.shown.tolist() == [2, 2, 2, 0]


def test_a_new_value_has_no_effect_and_unknown_ones_are_not_one_value() -> None:
    codes = np.array([-1, -1, 3, 3])
    ratios, sums = count(codes, outcomes(np.array([True, True, False, True])))
    assert ratios.keys.tolist() == [3]
    assert sums.shown.tolist() == [0, 0, 1, 1]
    assert effect(ratios.sums(np.array([-1, 9])), 5.0).tolist() == [0.0, 0.0]


def test_a_cross_says_only_what_its_sides_do_not() -> None:
    codes = np.zeros(1_000, np.int64)
    happened = np.arange(1_000) % 5 == 0
    ratios, _ = count(codes, outcomes(happened))
    half = Outcomes(happened, np.full(1_000, 0.1), np.ones(1_000, np.bool_), np.zeros(1_000, np.int64))
    sums = count(codes, half)[0].sums(np.zeros(1, np.int64))
    explained = logit(np.array([0.2])) - logit(np.array([0.1]))
    assert effect(sums, 20.0)[0] == pytest.approx(explained[0], abs=0.05)
    assert effect(sums, 20.0, explained)[0] == pytest.approx(0.0, abs=1e-9)
    assert best_strength(ratios)[1] == 0.0
