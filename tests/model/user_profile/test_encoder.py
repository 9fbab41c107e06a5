"""The encoder in numpy, held against dense arithmetic and its own files."""

import json

import numpy as np
import pytest

from services.user_profile.actions import Action
from services.user_profile.model.encoder import DESCRIPTION_PATH, Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from tests.fakes.user_profile_release import small_encoder


def dense_oracle(encoder: Encoder, vector: InteractionVector) -> np.ndarray:
    values = np.zeros(encoder.item_count)
    values[vector.rows] = vector.weights
    for index, (kernel, bias) in enumerate(encoder.layers):
        values = values @ kernel.astype(np.float64) + bias
        if index < len(encoder.layers) - 1:
            values = np.tanh(values)
    return values


def test_encoding_the_touched_rows_equals_the_whole_product():
    encoder, random = small_encoder(), np.random.default_rng(1)
    vectors = []
    for size in (1, 3, 24):
        rows = np.sort(random.permutation(24)[:size]).astype(np.int32)
        vectors.append(InteractionVector(rows, random.random(size).astype(np.float32)))
    for vector in vectors:
        assert encoder.encode(vector) == pytest.approx(dense_oracle(encoder, vector), abs=1e-4)
    assert encoder.encode_many(vectors) == pytest.approx(np.stack([encoder.encode(each) for each in vectors]), abs=1e-5)


@pytest.mark.parametrize(("norm", "expected"), [("l2", [0.6, 0.8]), ("l1", [3 / 7, 4 / 7])])
def test_weights_of_one_item_add_up_and_the_norm_is_one(norm, expected):
    weighting = Weighting(log_damped=False, norm=norm)
    vector = weighting.vector(np.array([5, 2, 5, -1, 7], np.int32), np.array([1.0, 3.0, 3.0, 9.0, 0.0]))
    assert vector.rows.tolist() == [2, 5]
    assert vector.weights.tolist() == pytest.approx(expected)


def test_damping_is_the_logarithm_of_one_plus_the_sum():
    vector = Weighting(log_damped=True, norm="l1").vector(np.array([0, 0, 1], np.int32), np.array([1.0, 2.0, 1.0]))
    assert vector.weights[0] / vector.weights[1] == pytest.approx(np.log(4.0) / np.log(2.0))


def test_an_action_halves_with_every_half_life_and_the_future_is_now():
    weighting = Weighting(half_life_days=10.0)
    weights = weighting.discounted([Action.CART, Action.CART, Action.CART, Action.HIDE], [0.0, 20.0, -3.0, 0.0])
    assert weights.tolist() == [4.0, 1.0, 4.0, 0.0]


def test_nothing_known_gives_an_empty_vector():
    assert len(Weighting().vector(np.array([-1], np.int32), np.array([1.0]))) == 0


@pytest.mark.parametrize("wrong", [{"half_life_days": 0.0}, {"norm": "l3"}, {"action_weights": {99: 1.0}}])
def test_a_weighting_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=r"half_life|norm|action"):
        Weighting(**wrong)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    encoder = small_encoder()
    encoder.save(tmp_path)
    loaded = Encoder.load(tmp_path)
    vector = InteractionVector(np.array([3], np.int32), np.array([1.0], np.float32))
    assert np.array_equal(loaded.encode(vector), encoder.encode(vector))
    assert (loaded.space_id, loaded.kind, loaded.weighting) == (encoder.space_id, "vae", encoder.weighting)


def test_the_space_changes_with_the_weights_and_with_how_actions_are_weighed():
    encoder = small_encoder()
    other_weighting = Encoder(encoder.layers, "tanh", "vae", Weighting(half_life_days=7.0))
    assert len({encoder.space_id, small_encoder(seed=8).space_id, other_weighting.space_id}) == 3
    assert small_encoder().space_id == encoder.space_id


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    small_encoder().save(tmp_path)
    description = json.loads((tmp_path / DESCRIPTION_PATH).read_text())
    (tmp_path / DESCRIPTION_PATH).write_text(json.dumps({**description, "half_life_days": 1.0}))
    with pytest.raises(ValueError, match="not the one"):
        Encoder.load(tmp_path)


def test_layers_that_do_not_fit_are_refused():
    (first, bias), last = small_encoder().layers
    with pytest.raises(ValueError, match="followed by"):
        Encoder([(first[:, :8], bias[:8]), last], "tanh", "vae", Weighting())
    with pytest.raises(ValueError, match="64 outputs"):
        Encoder([(first, bias)], "tanh", "vae", Weighting())
    with pytest.raises(ValueError, match="unknown"):
        Encoder([(first, bias), last], "sine", "vae", Weighting())
