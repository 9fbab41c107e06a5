import json

import keras
import numpy as np
import pytest

from services.item_vision.model.heads import AttributeHead, Heads, HeadsFileError
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.spaces import SpaceMismatchError, require_same_space, space_id
from services.item_vision.model.text_projection import ProjectionFileError, TextProjection
from services.item_vision.training.text_projection import fit_text_projection

WIDTH = 40


def random_heads(seed: int = 0, backbone: str = "net") -> Heads:
    generator = np.random.default_rng(seed)

    def array(*shape: int) -> np.ndarray:
        return generator.normal(0, 1, shape).astype(np.float32)

    attributes = (
        AttributeHead("colour", ("blue", "red", "青"), array(WIDTH, 3), array(3), 1.7, 0.6),
        AttributeHead("category", ("Women/Dresses", "Men/Hats"), array(WIDTH, 2), array(2), 0.5, 0.0),
    )
    return Heads(backbone, attributes, array(WIDTH, 64), array(64), NearDuplicateRule(0.91, 5))


def random_features(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, WIDTH)).astype(np.float32)


def test_attribute_heads_compute_what_keras_computes():
    head, features = random_heads().attributes[0], random_features(9)
    layer = keras.layers.Dense(3)
    layer.build(features.shape)
    layer.set_weights([head.kernel, head.bias])
    expected = keras.ops.softmax(layer(features) / head.temperature)
    np.testing.assert_allclose(head.probabilities(features), np.asarray(expected), atol=1e-5)


def test_the_embedding_computes_what_keras_computes():
    heads, features = random_heads(), random_features(9)
    layer = keras.layers.Dense(64)
    layer.build(features.shape)
    layer.set_weights([heads.embedding_kernel, heads.embedding_bias])
    expected = keras.layers.UnitNormalization()(layer(features))
    np.testing.assert_allclose(heads.embed(features), np.asarray(expected), atol=1e-5)


def test_a_reading_is_said_at_the_threshold_and_abstained_below_it():
    head = random_heads().attributes[0]
    features = random_features(200)
    readings, probabilities = head.read(features), head.probabilities(features)
    assert {reading.abstained for reading in readings} == {True, False}
    for reading, row in zip(readings, probabilities, strict=True):
        assert reading.confidence == pytest.approx(row.max())
        assert reading.abstained == (row.max() < 0.6)
        assert reading.value == ("" if reading.abstained else head.classes[row.argmax()])


def test_a_picture_has_one_reading_of_each_attribute():
    described = random_heads().describe(random_features(3))
    assert [[reading.name for reading in readings] for readings in described] == [["colour", "category"]] * 3
    assert random_heads().describe(random_features(0)) == []


def test_an_item_without_a_picture_has_no_direction():
    features = random_features(2)
    features[1] = 0
    vectors = random_heads().embed(features.astype(np.float16))
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)
    assert not vectors[1].any()


def test_saved_heads_come_back_the_same(tmp_path):
    heads, features = random_heads(), random_features(4)
    heads.save(tmp_path)
    loaded = Heads.load(tmp_path)
    assert loaded.space_id == heads.space_id
    assert loaded.near_duplicate == heads.near_duplicate
    assert loaded.describe(features) == heads.describe(features)
    np.testing.assert_array_equal(loaded.embed(features), heads.embed(features))


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    random_heads(0).save(tmp_path)
    arrays = (tmp_path / "heads.npz").read_bytes()
    random_heads(1).save(tmp_path)
    (tmp_path / "heads.npz").write_bytes(arrays)
    with pytest.raises(HeadsFileError, match="is not the file"):
        Heads.load(tmp_path)


@pytest.mark.parametrize("name", ["heads.npz", "heads.json"])
def test_a_missing_or_broken_file_is_refused(tmp_path, name):
    random_heads().save(tmp_path)
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(HeadsFileError, match="cannot be read"):
        Heads.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(HeadsFileError, match="cannot be read"):
        Heads.load(tmp_path)


def test_heads_with_an_attribute_less_are_the_same_space_and_another_backbone_is_not():
    heads = random_heads()
    fewer = Heads(heads.backbone_name, (), heads.embedding_kernel, heads.embedding_bias)
    other = Heads("other", (), heads.embedding_kernel, heads.embedding_bias)
    assert fewer.space_id == heads.space_id != other.space_id
    assert len(heads.space_id) == 16


def test_a_space_depends_on_names_types_and_values_but_not_on_order():
    one, two = np.arange(4.0), np.ones(2)
    assert space_id("e", {"a": one, "b": two}) == space_id("e", {"b": two, "a": one})
    assert len({space_id("e", weights) for weights in ({"a": one}, {"b": one}, {"a": one + 1e-9})}) == 3
    assert space_id("e", {"a": one}) != space_id("e", {"a": one.astype(np.float32)})


def test_vectors_of_two_spaces_are_not_compared():
    require_same_space("abc", "abc")
    for left, right in (("abc", "abd"), ("", ""), ("abc", "")):
        with pytest.raises(SpaceMismatchError, match="cannot be compared"):
            require_same_space(left, right)


def test_a_text_projection_keeps_what_differs_and_comes_back_the_same(tmp_path):
    generator = np.random.default_rng(0)
    common = generator.normal(0, 1, 512)
    vectors = (common + generator.normal(0, 1, (300, 5)) @ generator.normal(0, 1, (5, 512))).astype(np.float32)
    projection = fit_text_projection(vectors, "encoder")
    projected = projection.project(vectors)
    assert projected.shape == (300, 64)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(projected @ projected.T, centred @ centred.T, atol=1e-3)
    projection.save(tmp_path)
    loaded = TextProjection.load(tmp_path)
    assert loaded.space_id == projection.space_id
    np.testing.assert_array_equal(loaded.project(vectors), projected)


def test_text_that_is_missing_does_not_count_and_has_no_direction():
    vectors = np.random.default_rng(0).normal(0, 1, (30, 16)).astype(np.float32)
    with_gap = np.concatenate([vectors, np.zeros((5, 16), np.float32)])
    with_all, without = fit_text_projection(with_gap, "e"), fit_text_projection(vectors, "e")
    assert with_all.space_id == without.space_id
    assert not with_all.project(with_gap)[-5:].any()


def test_a_broken_projection_is_refused(tmp_path):
    (tmp_path / "projection.npz").write_bytes(b"nothing")
    with pytest.raises(ProjectionFileError):
        TextProjection.load(tmp_path)


def test_facts_are_readable_json(tmp_path):
    random_heads().save(tmp_path)
    facts = json.loads((tmp_path / "heads.json").read_text("utf-8"))
    assert facts["attributes"][0]["classes"] == ["blue", "red", "青"]
