from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.configuration import FusionConfig, FusionInputs
from services.ranker.model.export import answer_in_python
from services.ranker.model.fusion import FusionModel, build_fusion
from services.ranker.model.gate import random_request
from services.ranker.model.signature import CLICK, PURCHASE, Tensors
from tests.model.ranker.shop import SMALL, item_table

ITEMS = 50
TABLE = item_table(ITEMS)
ENCODERS = ("transformer", "lstm", "gru")


def built(config: FusionConfig = SMALL) -> FusionModel:
    return build_fusion(TABLE, config)


@pytest.fixture(scope="module", params=ENCODERS)
def model(request) -> FusionModel:
    made = built(replace(SMALL, history_encoder=request.param))
    made.calibration.shift.assign([-0.4, -1.1])
    made.calibration.scale.assign([0.8, 1.3])
    return made


def request_of(candidates: int = 9, new: int = 2, seed: int = 3) -> Tensors:
    return random_request(np.random.default_rng(seed), ITEMS, candidates, new)


def test_outputs_are_probabilities_and_a_purchase_needs_a_click(model):
    answer = answer_in_python(model)(request_of(40))
    assert answer[CLICK].shape == answer[PURCHASE].shape == (40,)
    assert ((answer[PURCHASE] > 0) & (answer[PURCHASE] < answer[CLICK]) & (answer[CLICK] < 1)).all()


def test_purchase_is_click_times_conversion_and_both_are_calibrated(model):
    asked = {name: tf.constant(tensor) for name, tensor in request_of().items()}
    asked["candidate_rows"] = asked["candidate_rows"][None]
    asked["candidate_features"] = asked["candidate_features"][None]
    click, conversion = (logits.numpy()[0].astype(np.float64) for logits in model(asked))
    p_click = 1 / (1 + np.exp(-(0.8 * click - 0.4)))
    p_conversion = 1 / (1 + np.exp(-(1.3 * conversion - 1.1)))
    answer = answer_in_python(model)(request_of())
    assert np.allclose(answer[CLICK], p_click, atol=1e-6)
    assert np.allclose(answer[PURCHASE], p_click * p_conversion, atol=1e-6)


def test_what_stands_at_history_pads_does_not_matter(model):
    asked = request_of()
    asked["history_rows"][0, :20] = -1
    expected = answer_in_python(model)(asked)
    asked["history_actions"][0, :20] = 7
    asked["history_age_days"][0, :20] = 300.0
    answer = answer_in_python(model)(asked)
    assert all(np.allclose(answer[name], expected[name], atol=1e-6) for name in expected)


def test_an_empty_history_is_finite_and_history_matters(model):
    asked = request_of()
    before = answer_in_python(model)(asked)[CLICK]
    asked["history_rows"][:] = -1
    after = answer_in_python(model)(asked)[CLICK]
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-4


def test_a_score_does_not_depend_on_the_other_candidates(model):
    asked = request_of(30, 3)
    whole = answer_in_python(model)(asked)
    for chosen in ([4], [29, 0], list(range(7, 25))):
        part = asked | {name: asked[name][chosen] for name in ("candidate_rows", "candidate_features")}
        answer = answer_in_python(model)(part)
        assert np.allclose(answer[CLICK], whole[CLICK][chosen], atol=1e-6)
        assert np.allclose(answer[PURCHASE], whole[PURCHASE][chosen], atol=1e-6)


def test_serving_with_frozen_vectors_gives_what_training_computes(model):
    model.freeze()
    for candidates, new in ((1, 0), (20, 0), (20, 4)):
        asked = request_of(candidates, new)
        served = model.serve({name: tf.constant(tensor) for name, tensor in asked.items()})
        computed = answer_in_python(model)(asked)
        assert np.allclose(served[CLICK], computed[CLICK], atol=1e-6)
        assert np.allclose(served[PURCHASE], computed[PURCHASE], atol=1e-6)


def test_many_requests_at_once_give_what_each_gives_alone(model):
    requests = [request_of(6, 0, seed) for seed in range(4)]
    batch = {name: np.concatenate([each[name] for each in requests]) for name in requests[0]}
    batch["candidate_rows"] = batch["candidate_rows"].reshape(4, 6)
    batch["candidate_features"] = batch["candidate_features"].reshape(4, 6, -1)
    together = model.probabilities({name: tf.constant(tensor) for name, tensor in batch.items()})[0].numpy()
    alone = np.stack([answer_in_python(model)(each)[CLICK] for each in requests])
    assert np.allclose(together, alone, atol=1e-6)


def test_a_new_item_is_ranked_by_its_vectors():
    model = built()
    asked = request_of(2, 2)
    asked["candidate_rows"][:] = [ITEMS, ITEMS + 1]
    asked["candidate_features"][:] = 0.0
    first, second = answer_in_python(model)(asked)[CLICK]
    asked["new_items"] = asked["new_items"][::-1].copy()
    assert answer_in_python(model)(asked)[CLICK] == pytest.approx([second, first], abs=1e-6)
    assert abs(first - second) > 1e-5


def test_a_cold_item_has_no_embedding_of_its_own():
    cold = built()
    own = cold.items.own.shards[0].numpy()
    cold.items.warm.assign(np.arange(ITEMS) != 5)
    own[5] += 10.0
    asked = request_of(1, 0)
    asked["candidate_rows"][:] = 5
    asked["history_rows"][:] = -1
    before = answer_in_python(cold)(asked)[CLICK]
    cold.items.own.shards[0].assign(own)
    assert answer_in_python(cold)(asked)[CLICK] == pytest.approx(before, abs=1e-7)


ABLATIONS = {
    "user_embedding": lambda asked: asked | {"user_embedding": asked["user_embedding"] + 1.0},
    "context": lambda asked: asked | {"context": asked["context"] + 1.0},
    "history": lambda asked: asked | {"history_rows": (asked["history_rows"] + 7) % ITEMS},
    "image": lambda asked: asked | {"new_items": asked["new_items"] + np.repeat([1.0, 0.0], 64).astype(np.float32)},
    "text": lambda asked: asked | {"new_items": asked["new_items"] + np.repeat([0.0, 1.0], 64).astype(np.float32)},
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_input_that_is_switched_off_has_no_influence_and_one_that_is_on_has(name):
    asked = request_of(8, 2)
    asked["candidate_rows"][:2] = [ITEMS, ITEMS + 1]
    asked["history_rows"][0, 10:] = np.arange(20)
    changed = ABLATIONS[name](asked)
    for on in (True, False):
        answer = answer_in_python(built(replace(SMALL, inputs=replace(FusionInputs(), **{name: on}))))
        difference = np.abs(answer(asked)[CLICK] - answer(changed)[CLICK]).max()
        assert (difference > 1e-5) == on


def test_without_attributes_categories_brands_and_colours_have_no_influence():
    config = replace(SMALL, inputs=FusionInputs(attributes=False))
    shuffled = replace(TABLE, categories=TABLE.categories[::-1], brands=TABLE.brands[::-1], colours=TABLE.colours[::-1])
    asked = request_of(20, 0)
    one, other = (answer_in_python(build_fusion(table, config))(asked)[CLICK] for table in (TABLE, shuffled))
    assert np.allclose(one, other, atol=1e-7)


def test_the_same_seed_builds_the_same_model():
    asked = request_of()
    assert (answer_in_python(built())(asked)[CLICK] == answer_in_python(built())(asked)[CLICK]).all()


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="heads"):
        FusionConfig(width=64, heads=5)
    with pytest.raises(ValueError, match="transformer, lstm or gru"):
        built(replace(SMALL, history_encoder="rnn"))
