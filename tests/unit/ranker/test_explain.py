import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import DependencyDown
from services.ranker.explain import GROUPS, explain, with_groups
from services.ranker.model.features import FEATURE_NAMES
from services.ranker.model.signature import Tensors, check_tensors
from services.ranker.model_client import Prediction


def tensors(seed: int = 0) -> Tensors:
    random = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    return {
        "user_embedding": some(1, 64),
        "history_rows": random.integers(0, 9, (1, 30), np.int32),
        "history_actions": random.integers(1, 9, (1, 30), np.int32),
        "history_age_days": np.abs(some(1, 30)),
        "context": some(1, 16),
        "candidate_rows": np.array([3], np.int32),
        "candidate_features": some(1, 12),
        "new_items": np.zeros((0, 128), np.float32),
    }


def model(seed: int):
    """A model with interactions between all groups, so that the order of adding them matters."""
    random = np.random.default_rng(seed)
    weights = random.standard_normal(16)

    async def predict(inputs: Tensors) -> Prediction:
        check_tensors(inputs)
        known = [
            float(inputs["user_embedding"].mean()),
            float((inputs["history_rows"] >= 0).mean()),
            float(inputs["history_actions"].mean()) / 9,
            float(inputs["context"].mean()),
            *inputs["candidate_features"][0].astype(float),
        ]
        logit = math.tanh(float(np.dot(weights, known))) * 2 + math.tanh(known[0] * sum(known[1:])) - 2
        click = np.array([1 / (1 + math.exp(-logit))], np.float32)
        return Prediction(click, click * 0.1, 1)

    return predict


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


@given(st.integers(0, 1_000))
async def test_contributions_add_up_to_the_distance_of_the_log_odds(seed):
    explanation = await explain(tensors(seed), model(seed))
    distance = log_odds(explanation.p_click_if_seen) - log_odds(explanation.baseline_p_click_if_seen)
    assert sum(value for _, value in explanation.contributions) == pytest.approx(distance, abs=1e-9)


async def test_every_group_is_named_once_strongest_first():
    explanation = await explain(tensors(), model(1))
    assert sorted(group for group, _ in explanation.contributions) == sorted(GROUPS)
    strengths = [abs(value) for _, value in explanation.contributions]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 0


async def test_a_group_that_the_model_does_not_look_at_contributes_nothing():
    async def by_price(inputs: Tensors) -> Prediction:
        price = float(inputs["candidate_features"][0, FEATURE_NAMES.index("price_in_category")])
        click = np.array([1 / (1 + math.exp(1 - price))], np.float32)
        return Prediction(click, click, 1)

    explanation = await explain(tensors(), by_price)
    contributions = dict(explanation.contributions)
    assert explanation.contributions[0][0] == "price"
    assert {group for group, value in contributions.items() if value} == {"price"}


def test_groups_cover_every_input_that_is_not_the_item_itself():
    full = tensors()
    nothing = with_groups(full, frozenset())
    assert not nothing["candidate_features"].any()
    assert (nothing["history_rows"] == -1).all()
    for name in ("user_embedding", "context", "history_actions", "history_age_days"):
        assert not nothing[name].any()
    np.testing.assert_array_equal(nothing["candidate_rows"], full["candidate_rows"])
    everything = with_groups(full, frozenset(GROUPS))
    for name, tensor in full.items():
        np.testing.assert_array_equal(everything[name], tensor)


def test_taking_groups_away_leaves_the_tensors_given_alone():
    full = tensors()
    before = {name: tensor.copy() for name, tensor in full.items()}
    with_groups(full, frozenset())
    for name, tensor in before.items():
        np.testing.assert_array_equal(full[name], tensor)


async def test_without_the_model_there_is_no_explanation():
    async def unreachable(inputs: Tensors) -> Prediction:
        raise DependencyDown("model_server", cause="timeout")

    with pytest.raises(DependencyDown) as caught:
        await explain(tensors(), unreachable)
    assert caught.value.cause == "timeout"
