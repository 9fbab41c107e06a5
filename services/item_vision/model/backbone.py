"""Pictures through a frozen Keras backbone: on one CPU, one GPU or several devices, by the same code."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.item_vision.model import efficientnet_lite
from services.item_vision.model.encoders import (
    EFFICIENTNET_LITE0,
    KERAS_PREFIX,
    PICTURE_SIZE,
    EncoderConfigurationError,
    ImageEncoderSettings,
)
from services.item_vision.model.keras_applications import load_application, scaling_application
from services.item_vision.model.precision import dtype_policy
from services.item_vision.model.torch_file import WeightsFileError

FULL_PRECISION, MIXED_PRECISION = "float32", "mixed_float16"


class KerasImageEncoder:
    """An `ImageEncoder` over any Keras network that maps pixels to pooled features.

    Several devices hold a copy of the network each and share every batch, side by side in one graph.
    """

    def __init__(self, settings: ImageEncoderSettings) -> None:
        self.devices = settings.devices or _default_devices()
        self.precision = _precision(settings.mixed_precision, self.devices)
        self._networks = [self._network_on(device, settings) for device in self.devices]
        self._batch_sizes = _whole_batches(settings.batch_sizes, len(self.devices))
        self._graphs = {size: self._graph(size) for size in self._batch_sizes}
        # With the width, because features of one backbone tapped otherwise are other features.
        self._name = f"{settings.backbone}/{self.width}{_weights_suffix(settings.weights_path)}"

    @property
    def backbone_name(self) -> str:
        """`efficientnet_lite0/1568`; weights from a path add `@` and the first 12 hex digits of their sha256."""
        return self._name

    @property
    def width(self) -> int:
        """1568 for EfficientNet-Lite0: its last layer and three inner ones."""
        return int(self._networks[0].output_shape[-1])

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Features `[n, width] float32` of pictures `[n, 224, 224, 3] uint8`."""
        if images.dtype != np.uint8 or images.shape[1:] != (PICTURE_SIZE, PICTURE_SIZE, 3):
            expected = f"uint8 [n, {PICTURE_SIZE}, {PICTURE_SIZE}, 3]"
            raise ValueError(f"pictures must be {expected}, not {images.dtype} {list(images.shape)}")
        largest = self._batch_sizes[-1]
        batches = (images[start : start + largest] for start in range(0, len(images), largest))
        return np.concatenate([np.empty((0, self.width), np.float32), *map(self._encode_batch, batches)])

    def warm_up(self) -> None:
        """Traces and runs the graph of every batch size, so that no request pays for it."""
        for size in self._batch_sizes:
            self._encode_batch(np.zeros((size, PICTURE_SIZE, PICTURE_SIZE, 3), np.uint8))

    def _encode_batch(self, images: np.ndarray) -> np.ndarray:
        size = next(size for size in self._batch_sizes if size >= len(images))
        padded = np.zeros((size, *images.shape[1:]), np.uint8)
        padded[: len(images)] = images
        features: np.ndarray = self._graphs[size](padded).numpy()
        return features[: len(images)]

    def _network_on(self, device: str, settings: ImageEncoderSettings) -> keras.Model:
        with tf.device(device), dtype_policy(self.precision):
            return _load_network(settings.backbone, settings.weights_path)

    def _graph(self, size: int) -> Callable[[Any], Any]:
        pixels = tf.TensorSpec((size, PICTURE_SIZE, PICTURE_SIZE, 3), tf.uint8)

        def forward(images: Any) -> Any:
            features = []
            shards = tf.split(images, len(self.devices))
            for device, network, shard in zip(self.devices, self._networks, shards, strict=True):
                with tf.device(device):
                    features.append(tf.cast(network(shard, training=False), tf.float32))
            return tf.concat(features, axis=0)

        graph: Callable[[Any], Any] = tf.function(forward, input_signature=[pixels], autograph=False)
        return graph


def _default_devices() -> tuple[str, ...]:
    gpus = tf.config.list_logical_devices("GPU")
    return tuple(f"GPU:{index}" for index in range(len(gpus))) or ("CPU:0",)


def _precision(mixed: bool | None, devices: tuple[str, ...]) -> str:
    wanted = any(device.startswith("GPU") for device in devices) if mixed is None else mixed
    return MIXED_PRECISION if wanted else FULL_PRECISION


def _whole_batches(sizes: tuple[int, ...], shards: int) -> tuple[int, ...]:
    """Batch sizes rounded up to what divides evenly among the devices."""
    return tuple(sorted({-(-size // shards) * shards for size in sizes}))


def _load_network(backbone: str, weights_path: Path | None) -> keras.Model:
    try:
        if backbone == EFFICIENTNET_LITE0:
            return efficientnet_lite.load_network(weights_path or efficientnet_lite.packaged_weights_path())
        if backbone.startswith(KERAS_PREFIX):
            name = backbone.removeprefix(KERAS_PREFIX)
            return scaling_application(name, load_application(name, weights_path, PICTURE_SIZE))
    except (WeightsFileError, OSError, ValueError) as error:
        raise EncoderConfigurationError(f"backbone {backbone}: {error}") from error
    raise EncoderConfigurationError(
        f"backbone {backbone!r} is unknown; use {EFFICIENTNET_LITE0} or {KERAS_PREFIX}<keras application>"
    )


def _weights_suffix(weights_path: Path | None) -> str:
    if weights_path is None:
        return ""
    return "@" + hashlib.sha256(weights_path.read_bytes()).hexdigest()[:12]
