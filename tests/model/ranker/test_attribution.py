"""Explanations by the model's own gradients: complete, from the right baseline, and the same in the C++ runtime."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.attribution import Evidence, attribute
from services.ranker.model.configuration import FusionInputs
from services.ranker.model.export import export_fusion
from services.ranker.model.fusion import FusionModel, build_fusion
from services.ranker.model.gate import ExportRefused, check_export, random_request
from services.ranker.model.groups import GROUPS, feature_groups
from services.ranker.model.packed import PackedModel
from services.ranker.model.signature import BASELINE, CLICK, CONTRIBUTIONS, LOG_ODDS, Tensors
from tests.model.ranker.shop import SMALL, item_table

ITEMS = 60
TABLE = item_table(ITEMS)


@pytest.fixture(scope="module")
def model() -> FusionModel:
    made = build_fusion(TABLE, SMALL)
    made.calibration.scale.assign([0.9, 1.2])
    made.calibration.shift.assign([-2.0, -1.0])
    made.freeze()
    return made


def asked(candidates: int = 7, new: int = 2, seed: int = 3) -> Tensors:
    request = random_request(np.random.default_rng(seed), ITEMS, candidates, new)
    request["history_rows"][0, 20:] = np.arange(10)
    request["history_actions"][0, 20:] = 4
    return request


def explained(model, request: Tensors) -> Tensors:
    answer = model.explain({name: tf.constant(tensor) for name, tensor in request.items()})
    return {name: np.asarray(each) for name, each in answer.items()}


def served(model, request: Tensors) -> np.ndarray:
    return model.serve({name: tf.constant(tensor) for name, tensor in request.items()})[CLICK].numpy()


def probability(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def nothing_known(request: Tensors) -> Tensors:
    """What a visitor of whom nothing is known would send, all candidate features at their means."""
    empty = {name: np.zeros_like(tensor) for name, tensor in request.items()}
    empty["history_rows"] -= 1
    return empty | {name: request[name] for name in ("candidate_rows", "new_items")}


def test_contributions_add_up_to_the_distance_from_the_baseline(model):
    for seed in range(5):
        answer = explained(model, asked(seed=seed))
        distance = answer[LOG_ODDS] - answer[BASELINE]
        left = np.abs(answer[CONTRIBUTIONS].sum(axis=1) - distance)
        assert (left <= 0.01 * np.maximum(np.abs(distance), 1.0)).all(), left
        assert np.abs(distance).max() > 0.05


def test_both_ends_of_the_line_are_what_the_model_serves(model):
    answer = explained(model, asked())
    assert np.allclose(probability(answer[LOG_ODDS]), served(model, asked()), atol=1e-5)
    assert np.allclose(probability(answer[BASELINE]), served(model, nothing_known(asked())), atol=1e-5)


def test_an_explanation_does_not_depend_on_the_other_candidates(model):
    whole = explained(model, asked())
    for place in (0, 6):
        one = asked()
        one |= {name: one[name][[place]] for name in ("candidate_rows", "candidate_features")}
        alone = explained(model, one)
        assert np.allclose(alone[CONTRIBUTIONS][0], whole[CONTRIBUTIONS][place], atol=5e-3)


def test_what_is_at_its_baseline_contributes_nothing(model):
    request = asked()
    request["context"][:] = 0.0
    request["history_rows"][:] = -1
    request["candidate_features"][:, 0:2] = 0.0  # price and discount
    contributions = dict(zip(GROUPS, explained(model, request)[CONTRIBUTIONS].T, strict=True))
    for group in ("context", "history", "price"):
        assert not contributions[group].any(), group
    for group in ("user_embedding", "affinity", "popularity", "stock_and_age", "exposure"):
        assert np.abs(contributions[group]).max() > 1e-4, group


def test_inputs_that_are_switched_off_contribute_nothing():
    blind = build_fusion(TABLE, replace(SMALL, inputs=FusionInputs(user_embedding=False, history=False, context=False)))
    blind.freeze()
    contributions = dict(zip(GROUPS, explained(blind, asked())[CONTRIBUTIONS].T, strict=True))
    assert {group for group, each in contributions.items() if each.any()} == {
        "affinity", "exposure", "price", "popularity", "stock_and_age",
    }  # fmt: skip


def test_every_feature_is_in_one_group():
    assert (feature_groups().sum(axis=1) == 1).all()


def test_integrated_gradients_of_a_polynomial_are_those_worked_by_hand():
    """F = 2 f0 + f1 h from 0 to f0 = 3, f1 = 2, h = 5: contributions 6, 5 and 5 (each factor has half the product)."""
    features = np.zeros((1, 1, 12), np.float32)
    features[0, 0, 0], features[0, 0, 2] = 3.0, 2.0  # price, popularity
    evidence = Evidence(tf.zeros([1, 1, 4]), {}, {"features": tf.constant(features), "history": tf.constant([[[5.0]]])})
    baseline = Evidence(evidence.item, {}, {name: tf.zeros_like(fact) for name, fact in evidence.facts.items()})

    def log_odds(at: Evidence) -> tf.Tensor:
        return 2.0 * at.facts["features"][..., 0] + at.facts["features"][..., 2] * at.facts["history"][..., 0] - 1.0

    answer = attribute(evidence, baseline, log_odds)
    contributions = dict(zip(GROUPS, answer[CONTRIBUTIONS][0].numpy().tolist(), strict=True))
    assert (float(answer[LOG_ODDS][0]), float(answer[BASELINE][0])) == (15.0, -1.0)
    assert contributions == pytest.approx(
        dict.fromkeys(GROUPS, 0.0) | {"price": 6.0, "popularity": 5.0, "history": 5.0}
    )


def test_the_cpp_runtime_explains_as_python_does_packed_or_not(model, tmp_path):
    for number, each in enumerate((model, PackedModel(model, "int8")), start=1):
        folder = tmp_path / str(number)
        export_fusion(each, folder, [asked()], "fusion-test")
        check_export(folder, each.serve, ITEMS, explain=each.explain)

        def other(tensors: Tensors, each=each) -> Tensors:
            answer = explained(each, tensors)
            return answer | {CONTRIBUTIONS: answer[CONTRIBUTIONS] + 0.1}

        with pytest.raises(ExportRefused, match="contributions of 1 candidates"):
            check_export(folder, each.serve, ITEMS, explain=other)
