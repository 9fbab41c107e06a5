import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import DependencyDown
from services.ranker.explain import Attribution, explain
from services.ranker.model.features import FEATURE_NAMES
from services.ranker.model.groups import FEATURES_OF, GROUPS
from services.ranker.model.signature import Tensors

NOTHING: Tensors = {}
NUMBERS = st.floats(-5, 5, width=32)


def answering(log_odds: float, baseline: float, contributions: list[float]):
    async def ask(_: Tensors) -> Attribution:
        return Attribution(log_odds, baseline, contributions)

    return ask


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


@given(NUMBERS, NUMBERS, st.lists(NUMBERS, min_size=len(GROUPS), max_size=len(GROUPS)))
async def test_contributions_and_what_they_leave_add_up_to_the_distance_of_the_log_odds(end, start, contributions):
    explanation = await explain(NOTHING, answering(end, start, contributions))
    distance = log_odds(explanation.p_click_if_seen) - log_odds(explanation.baseline_p_click_if_seen)
    whole = sum(value for _, value in explanation.contributions) + explanation.unattributed_log_odds
    assert whole == pytest.approx(distance, abs=1e-6)


async def test_every_group_is_named_once_with_its_own_number_strongest_first():
    contributions = np.array([0.5, -2.0, 0.0, 0.25, 1.0, -0.125, 0.75, -3.0])
    explanation = await explain(NOTHING, answering(-1.0, -1.5, contributions.tolist()))
    assert dict(explanation.contributions) == dict(zip(GROUPS, contributions.tolist(), strict=True))
    strengths = [abs(value) for _, value in explanation.contributions]
    assert strengths == sorted(strengths, reverse=True)


def test_every_feature_belongs_to_one_group():
    named = [name for names in FEATURES_OF.values() for name in names]
    assert sorted(named) == sorted(FEATURE_NAMES)
    assert FEATURES_OF.keys() < set(GROUPS)


async def test_without_the_model_there_is_no_explanation():
    async def unreachable(_: Tensors) -> Attribution:
        raise DependencyDown("model_server", cause="timeout")

    with pytest.raises(DependencyDown) as caught:
        await explain(NOTHING, unreachable)
    assert caught.value.cause == "timeout"
