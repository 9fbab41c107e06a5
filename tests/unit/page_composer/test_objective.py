from dataclasses import replace
from math import log1p

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.page_composer.candidates import Candidates, sunk
from services.page_composer.greedy import LazyPool, Tally
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.item_facts import ItemFacts
from services.page_composer.objective import Objective, objective
from services.page_composer.visit import Profile
from tests.unit.page_composer.assignments import WEIGHTS


def random_objective(seed: int, count: int = 12) -> Objective:
    random = np.random.default_rng(seed)
    codes = np.stack(
        [random.integers(0, 3, count), 3 + random.integers(0, 3, count), 6 + random.integers(0, 2, count)], 1
    )
    return Objective(random.gamma(2.0, 2.0, count), codes, np.array([2.0, 1.0, 0.5]), 1.5)


def value_by_hand(of: Objective, positions, exposures) -> float:
    """The written objective, one slot at a time, without arrays."""
    total, mass = 0.0, {}
    for position, exposure in zip(positions, exposures, strict=True):
        total += exposure * of.worth[position]
        for facet, code in enumerate(of.codes[position]):
            mass[facet, code] = mass.get((facet, code), 0.0) + exposure
    return total + sum(
        of.facet_weights[facet] * of.saturation * log1p(shown / of.saturation) for (facet, _), shown in mass.items()
    )


def index_of(*items: ItemFacts):
    builder = IndexBuilder()
    builder.put(items)
    return builder.snapshot()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12))
def test_the_value_is_what_the_formula_says(seed, exposures):
    of = random_objective(seed)
    positions = np.random.default_rng(seed).permutation(12)[: len(exposures)]
    assert np.isclose(of.page_value(positions, np.asarray(exposures)), value_by_hand(of, positions, exposures))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.01, 1.0))
def test_gains_are_differences_of_the_value_and_densities_bound_them(seed, exposure):
    of = random_objective(seed)
    tally = Tally.of(of)
    shown = [3, 5]
    for position in shown:
        tally.show(position, 0.7)
    before = of.page_value(np.asarray(shown), np.asarray([0.7, 0.7]))
    densities = of.densities(np.asarray(tally.mass))
    for position in range(12):
        after = of.page_value(np.asarray([*shown, position]), np.asarray([0.7, 0.7, exposure]))
        assert np.isclose(tally.gain(position, exposure), after - before)
        assert np.isclose(tally.density(position), densities[position])
        assert tally.gain(position, exposure) <= exposure * densities[position] + 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.lists(st.floats(0.05, 1.0), min_size=1, max_size=8))
def test_lazy_greedy_takes_what_looking_at_everything_would_take(seed, exposures):
    of = random_objective(seed)
    lazy, eager = Tally.of(of), Tally.of(of)
    pool = LazyPool.of(lazy, list(range(12)), of.densities(np.zeros(of.value_count)).tolist())
    left = set(range(12))
    for exposure in exposures:
        taken = pool.take_best(exposure)
        best = max(eager.gain(position, exposure) for position in left)
        assert np.isclose(eager.gain(taken, exposure), best)
        left.remove(taken)
        for tally in (lazy, eager):
            tally.show(taken, exposure)


def test_an_empty_pool_gives_nothing():
    assert LazyPool.of(Tally.of(random_objective(1)), [], []).take_best(1.0) is None


def test_dearer_margins_and_likelier_purchases_are_worth_more():
    index = index_of(
        ItemFacts("cheap", "a", price_minor=1_000, margin_ratio=0.5),
        ItemFacts("dear", "b", price_minor=9_000, margin_ratio=0.5),
    )
    candidates = Candidates(np.array([0, 1]), np.array([0.1, 0.1]), np.array([0.01, 0.01]))
    worth = objective(candidates, index, Profile(), np.ones(2), WEIGHTS).worth
    assert worth[0] < worth[1] < 9 * worth[0]
    indifferent = objective(candidates, index, Profile(), np.ones(2), replace(WEIGHTS, margin_exponent=0.0)).worth
    assert np.isclose(*indifferent)


def test_what_was_shown_often_without_a_click_loses_worth_and_no_more_than_the_floor():
    index = index_of(*(ItemFacts(name, name, price_minor=1_000) for name in ("new", "tired", "worn", "clicked")))
    candidates = Candidates(np.arange(4), np.full(4, 0.1), np.full(4, 0.01))
    profile = Profile(exposures={"tired": 5, "worn": 500, "clicked": 500}, seen_item_ids=("clicked",))
    worth = objective(candidates, index, profile, np.ones(4), WEIGHTS).worth
    assert np.allclose(worth / worth[0], [1.0, 0.9**3, WEIGHTS.fatigue_floor, 1.0])


def test_boosts_multiply_the_worth():
    index = index_of(ItemFacts("a", "a", price_minor=1_000), ItemFacts("b", "b", price_minor=1_000))
    candidates = Candidates(np.arange(2), np.full(2, 0.1), np.full(2, 0.01))
    worth = objective(candidates, index, Profile(), np.array([1.0, 3.0]), WEIGHTS).worth
    assert np.isclose(worth[1], 3 * worth[0])


def test_scores_that_are_no_numbers_sink():
    scores = sunk(np.array([0.5, np.nan, np.inf, -np.inf, 2.0, -1.0]))
    assert scores.tolist() == [0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
