import pickle
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from services.item_vision.model import efficientnet_lite
from services.item_vision.model.encoders import (
    EncoderConfigurationError,
    ImageEncoderSettings,
    load_image_encoder,
)
from services.item_vision.model.pictures import decode_picture, network_input
from services.item_vision.model.torch_file import WeightsFileError, read_torch_file

# ImageNet class numbers that name footwear: clog, cowboy boot, loafer, running shoe, sandal, shoe shop.
FOOTWEAR = {502, 514, 630, 770, 774, 788}
JEAN = 608


def random_pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 224, 224, 3)).astype(np.uint8)


def test_features_are_the_same_in_any_batch(encoder):
    pictures = random_pictures(11)
    alone = np.concatenate([encoder.encode(picture[None]) for picture in pictures])
    together = encoder.encode(pictures)
    assert together.shape == (11, encoder.width) == (11, 1568)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_no_pictures_have_no_features(encoder):
    assert encoder.encode(random_pictures(0)).shape == (0, encoder.width)


def test_pictures_of_another_shape_are_refused(encoder):
    with pytest.raises(ValueError, match="uint8"):
        encoder.encode(np.zeros((1, 200, 200, 3), np.uint8))


def test_folded_batch_norm_computes_what_the_unfolded_network_does():
    """The first convolution by hand, batch norm apart, against the layer it was folded into."""
    tensors = read_torch_file(efficientnet_lite.packaged_weights_path())
    network = efficientnet_lite.load_network(efficientnet_lite.packaged_weights_path())
    stem = keras.Model(network.input, network.get_layer("_conv_stem").output)
    picture = random_pictures(1)
    # One output position far from the border, computed from its 3 x 3 window; stride 2, no padding before (even size).
    window = (picture[0, 100:103, 60:63].astype(np.float64) - 127) / 128
    sums = np.einsum("hwc,ochw->o", window, tensors["_conv_stem.weight"])
    scale = tensors["_bn0.weight"] / np.sqrt(tensors["_bn0.running_var"] + 1e-3)
    expected = np.clip((sums - tensors["_bn0.running_mean"]) * scale + tensors["_bn0.bias"], 0, 6)
    np.testing.assert_allclose(np.asarray(stem(picture))[0, 50, 30], expected, atol=1e-4)


@pytest.mark.shared_data
def test_everyday_things_are_named_rightly(shared_data):
    network = efficientnet_lite.load_network(efficientnet_lite.packaged_weights_path(), classify=True)

    def named(folder: str) -> np.ndarray:
        files = sorted((shared_data / "clothing/validation" / folder).iterdir())[:24]
        pictures = np.stack([network_input(decode_picture(file.read_bytes())) for file in files])
        return np.asarray(network(pictures)).argmax(axis=1)

    assert np.isin(named("shoes"), sorted(FOOTWEAR)).mean() >= 0.75
    assert (named("pants") == JEAN).mean() >= 0.3
    assert (named("hat") == JEAN).mean() == 0


def test_mixed_precision_gives_nearly_the_same_features_and_leaves_the_policy_alone(encoder):
    pictures = random_pictures(3)
    mixed = load_image_encoder(ImageEncoderSettings(mixed_precision=True, batch_sizes=(4,)))
    features = mixed.encode(pictures)
    assert mixed.precision == "mixed_float16"
    assert keras.config.dtype_policy().name == "float32"
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, encoder.encode(pictures), atol=0.05)


def test_any_keras_backbone_can_be_configured(tmp_path):
    keras.utils.set_random_seed(3)
    settings = ImageEncoderSettings(backbone="keras:MobileNetV3Small", batch_sizes=(2,))
    random = load_image_encoder(settings)
    assert (random.backbone_name, random.width) == ("keras:MobileNetV3Small/576", 576)
    network = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, pooling="avg", input_shape=(224, 224, 3)
    )
    path = tmp_path / "mobile.weights.h5"
    network.save_weights(path)
    from_path = load_image_encoder(ImageEncoderSettings(backbone="keras:MobileNetV3Small", weights_path=path))
    assert from_path.backbone_name.startswith("keras:MobileNetV3Small/576@")
    picture = random_pictures(1)
    # This backbone scales pixels inside itself, so its own answer is the oracle.
    np.testing.assert_allclose(from_path.encode(picture), np.asarray(network(picture.astype(np.float32))), atol=1e-4)


@pytest.mark.parametrize("backbone", ["resnet", "keras:NoSuchNet", "keras:resnet50"])
def test_an_unknown_backbone_is_refused(backbone):
    with pytest.raises(EncoderConfigurationError, match="backbone"):
        load_image_encoder(ImageEncoderSettings(backbone=backbone))


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(EncoderConfigurationError, match="cannot be read"):
        load_image_encoder(ImageEncoderSettings(weights_path=tmp_path / "none.pth"))


def test_a_weights_file_that_runs_code_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(WeightsFileError, match=r"builtins\.print"):
        read_torch_file(path)


def test_a_truncated_weights_file_is_refused(tmp_path):
    whole = efficientnet_lite.packaged_weights_path().read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"{length}.pth"
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsFileError):
            read_torch_file(path)


def test_several_devices_share_a_batch_and_agree_with_one():
    """In a process of its own, because devices cannot be added once TensorFlow runs."""
    script = """
        import numpy as np, tensorflow as tf
        from services.item_vision.model.encoders import ImageEncoderSettings, load_image_encoder
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        pictures = np.random.default_rng(1).integers(0, 256, (7, 224, 224, 3)).astype(np.uint8)
        one = load_image_encoder(ImageEncoderSettings(devices=("CPU:0",), batch_sizes=(8,)))
        two = load_image_encoder(ImageEncoderSettings(devices=("CPU:0", "CPU:1"), batch_sizes=(7,)))
        placed = {weight.value.device[-5:] for network in two._networks for weight in network.weights}
        assert placed == {"CPU:0", "CPU:1"}, placed
        np.testing.assert_allclose(two.encode(pictures), one.encode(pictures), atol=1e-4)
        print("agreed")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.strip() == "agreed", done.stderr[-2000:]
