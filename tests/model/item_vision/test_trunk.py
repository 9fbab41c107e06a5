import keras
import numpy as np
import pytest

from services.item_vision.model.encoders import EncoderConfigurationError
from services.item_vision.model.trunk import Trunk, TrunkSettings

SIDE = 64


@pytest.fixture(scope="module")
def trunk():
    return Trunk(TrunkSettings())


def random_pictures(count: int, side: int = 224) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def test_both_parts_together_compute_what_the_whole_backbone_does(trunk, encoder):
    pictures = random_pictures(3)
    assert trunk.width == encoder.width
    # Activations are kept in half precision.
    np.testing.assert_allclose(trunk.encode(pictures), encoder.encode(pictures), atol=0.02)


def test_activations_do_not_depend_on_the_other_pictures(trunk):
    pictures = random_pictures(5)
    together, alone = trunk.activations(pictures), trunk.activations(pictures[3:4])
    np.testing.assert_array_equal(together.inner[3], alone.inner[0])
    np.testing.assert_array_equal(together.kept[3], alone.kept[0])


def test_no_pictures_have_no_activations(trunk):
    nothing = trunk.activations(random_pictures(0))
    assert nothing.inner.shape == (0, 14, 14, 112)
    assert trunk.untuned.features(nothing).shape == (0, trunk.width)


def test_a_copy_begins_with_the_same_weights_and_shares_none(trunk):
    copy, pictures = trunk.untuned.copy(), trunk.activations(random_pictures(2))
    np.testing.assert_array_equal(copy.features(pictures), trunk.untuned.features(pictures))
    before = trunk.untuned.features(pictures)
    for variable in copy.variables:
        variable.assign(variable * 0.5)
    assert not np.allclose(copy.features(pictures), before)
    np.testing.assert_array_equal(trunk.untuned.features(pictures), before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights of a small application at a path, as its own weights would be."""
    keras.utils.set_random_seed(3)
    network = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, pooling="avg", input_shape=(SIDE, SIDE, 3)
    )
    path = tmp_path_factory.mktemp("weights") / "mobile.weights.h5"
    network.save_weights(path)
    return path, network


@pytest.mark.parametrize("tuned_behind", [None, "expanded_conv_9_add"])
def test_any_keras_backbone_can_be_cut(weights, tuned_behind):
    path, network = weights
    trunk = Trunk(TrunkSettings("keras:MobileNetV3Small", path, SIDE, tuned_behind))
    pictures = random_pictures(2, SIDE)
    assert trunk.backbone_name == "keras:MobileNetV3Small/576@mobile.weights.h5"
    assert (trunk.kept_width, trunk.width) == (0, 576)
    assert bool(trunk.untuned.variables) == (tuned_behind is not None)
    # This backbone scales pixels inside itself, so its own answer is the oracle.
    np.testing.assert_allclose(trunk.encode(pictures), np.asarray(network(pictures.astype(np.float32))), atol=0.01)


def test_what_cannot_be_had_is_named(tmp_path):
    for settings in (
        TrunkSettings("resnet"),
        TrunkSettings("keras:NoSuchNet"),
        TrunkSettings("keras:MobileNetV3Small", side=SIDE, tuned_behind="no_such_layer"),
        TrunkSettings("efficientnet_lite0", tmp_path / "none.pth"),
    ):
        with pytest.raises(EncoderConfigurationError, match=settings.backbone):
            Trunk(settings)
