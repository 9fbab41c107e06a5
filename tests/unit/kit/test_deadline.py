"""Budgets share out what is left, and never more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.deadline import Budget


class Clock:
    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def test_shares_are_taken_from_what_is_left_now():
    clock = Clock()
    budget = Budget(100.0, clock=clock)
    assert budget.share(0.4) == pytest.approx(0.040)
    clock.now_s += 0.050
    assert budget.share(0.4) == pytest.approx(0.020)
    assert budget.elapsed_ms == pytest.approx(50.0)


def test_limits_of_a_share_hold_and_the_rest_bounds_both():
    clock = Clock()
    budget = Budget(100.0, clock=clock)
    assert budget.share(0.9, at_most_ms=30.0) == pytest.approx(0.030)
    assert budget.share(0.1, at_least_ms=25.0) == pytest.approx(0.025)
    clock.now_s += 0.090
    assert budget.share(0.1, at_least_ms=25.0) == pytest.approx(0.010)


def test_the_reserve_is_kept_back():
    clock = Clock()
    budget = Budget(100.0, reserve_ms=20.0, clock=clock)
    assert budget.remaining_ms == pytest.approx(80.0)
    clock.now_s += 0.081
    assert budget.exhausted
    assert budget.share(1.0) == 0.0


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_share_outside_zero_and_one_is_a_programming_error(fraction):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Budget(10.0, clock=Clock()).share(fraction)


@given(
    total=st.floats(0.0, 10_000.0),
    reserve=st.floats(0.0, 10_000.0),
    steps=st.lists(
        st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 5_000.0), st.floats(0.0, 5_000.0), st.floats(0.0, 2.0)),
        max_size=20,
    ),
)
def test_parts_that_keep_to_their_shares_never_overrun_the_total(total, reserve, steps):
    clock = Clock()
    budget = Budget(total, reserve_ms=reserve, clock=clock)
    for fraction, most, least, used in steps:
        share_s = budget.share(fraction, at_most_ms=most, at_least_ms=least)
        assert 0.0 <= share_s <= budget.remaining_ms / 1000.0
        clock.now_s += share_s * min(used, 1.0)
    assert (clock.now_s - 5.0) * 1000.0 <= max(total - reserve, 0.0) + 1e-6
