from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.page_composer.explore import DISTRIBUTIONS, draw_item, draw_shelf, seeded
from tests.unit.page_composer.assignments import WEIGHTS

gains = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50).map(np.asarray)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(gains, st.sampled_from(sorted(DISTRIBUTIONS)))
def test_every_distribution_is_one_and_reaches_everything(values, name):
    probabilities = DISTRIBUTIONS[name](values, WEIGHTS)
    assert np.isclose(probabilities.sum(), 1.0)
    assert probabilities.min() >= WEIGHTS.explore_uniform_share / len(values) - 1e-12


@settings(max_examples=100, deadline=None, derandomize=True)
@given(gains, st.text(max_size=8))
def test_a_draw_says_with_which_probability_it_was_made(values, request_id):
    drawn, probability = draw_item(values, WEIGHTS, seeded("shop", request_id))
    assert probability == DISTRIBUTIONS[WEIGHTS.explore_distribution](values, WEIGHTS)[drawn]


def test_draws_come_as_often_as_they_say():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    generator = seeded("shop", "many")
    drawn = np.bincount([draw_item(values, WEIGHTS, generator)[0] for _ in range(4_000)], minlength=4) / 4_000
    assert np.allclose(drawn, DISTRIBUTIONS["softened_value"](values, WEIGHTS), atol=0.03)


def test_shelves_are_drawn_by_the_softmax_of_what_is_allowed():
    logits, allowed = np.array([1.0, 3.0, 0.0, 0.5]), np.array([True, False, True, True])
    generator = seeded("shop", "order")
    draws = [draw_shelf(logits, allowed, generator) for _ in range(4_000)]
    shares = np.bincount([drawn for drawn, _ in draws], minlength=4) / 4_000
    expected = np.exp(logits) * allowed / (np.exp(logits) * allowed).sum()
    assert np.allclose(shares, expected, atol=0.03)
    assert {drawn: round(probability, 9) for drawn, probability in draws} == {
        place: round(float(expected[place]), 9) for place in (0, 2, 3)
    }


def test_requests_and_shops_draw_differently_and_the_same_request_alike():
    assert seeded("a", "1").random() == seeded("a", "1").random()
    assert len({seeded(shop, request).random() for shop in "ab" for request in "12"}) == 4


def test_an_unknown_distribution_is_an_error():
    with pytest.raises(KeyError):
        draw_item(np.ones(2), replace(WEIGHTS, explore_distribution="magic"), seeded("a", "1"))
