"""A backbone cut in two: what stays as it is, and what is tuned to a shop's own pictures.

What the frozen part says of a picture is computed once and kept, so that tuning costs only the tuned part: for
EfficientNet-Lite0 a third of the work, at a fraction of the memory of pictures in full resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
)
from services.item_vision.model.keras_applications import load_application, scaling_application
from services.item_vision.model.torch_file import WeightsFileError

# One graph for every batch: shorter ones are padded, so that a picture's numbers do not depend on its neighbours.
BATCH_SIZE = 32


@dataclass(frozen=True)
class TrunkSettings:
    """Which backbone, and where it is cut."""

    backbone: str = EFFICIENTNET_LITE0
    """`efficientnet_lite0`, or `keras:` and a backbone of keras.applications: `keras:MobileNetV3Small`."""
    weights_path: Path | None = None
    """None: the packaged weights for `efficientnet_lite0`, random ones for `keras:` (tests only)."""
    side: int = PICTURE_SIZE
    """Pixels across and down of the pictures it takes."""
    tuned_behind: str | None = None
    """Layer of a `keras:` backbone behind which it is tuned; everything later may depend on that layer alone.
    None: nothing but the classes' own layer is learned. `efficientnet_lite0` brings its own place.
    """


@dataclass(frozen=True)
class Activations:
    """Pictures as far as the frozen part takes them; row i is picture i."""

    inner: np.ndarray
    """`[n, ...] float16` where the tuned part begins."""
    kept: np.ndarray
    """`[n, c] float32` features that tuning leaves as they are; c may be 0."""

    def __len__(self) -> int:
        return len(self.inner)

    def rows(self, chosen: np.ndarray) -> "Activations":
        """Some of the pictures, in the order given."""
        return Activations(self.inner[chosen], self.kept[chosen])


class TunedPart:
    """The part of a backbone that is tuned, or a copy of it: activations to pooled features."""

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        inner = tf.TensorSpec((BATCH_SIZE, *network.input_shape[1:]), tf.float16)
        self._graph = tf.function(self.pooled, input_signature=[inner], autograph=False)

    @property
    def variables(self) -> list[keras.Variable]:
        """What can be tuned."""
        return list(self._network.trainable_variables)

    def copy(self) -> "TunedPart":
        """Another one that begins with the same weights."""
        network = keras.models.clone_model(self._network)
        network.set_weights(self._network.get_weights())
        return TunedPart(network)

    def pooled(self, inner: Any) -> Any:
        """Features `[n, tuned width] float32` of a tensor of activations; batch norm keeps its statistics."""
        return tf.cast(self._network(tf.cast(inner, tf.float32), training=False), tf.float32)

    def features(self, activations: Activations) -> np.ndarray:
        """`[n, width] float32`: the tuned features, then the kept ones."""
        parts = [np.empty((0, *self._network.output_shape[1:]), np.float32)]
        for start in range(0, len(activations), BATCH_SIZE):
            batch = activations.inner[start : start + BATCH_SIZE]
            padded = np.zeros((BATCH_SIZE, *batch.shape[1:]), np.float16)
            padded[: len(batch)] = batch
            parts.append(self._graph(padded).numpy()[: len(batch)])
        return np.concatenate([np.concatenate(parts), activations.kept], axis=1)


class Trunk:
    """A backbone in two parts."""

    def __init__(self, settings: TrunkSettings) -> None:
        """Load the backbone under the current dtype policy. Raises: EncoderConfigurationError."""
        self.settings = settings
        self._frozen, tuned = _parts(settings)
        self.inner_shape: tuple[int, ...] = tuple(tuned.input_shape[1:])
        """Of one picture's activations."""
        self.kept_width = int(self._frozen.output_shape[1][-1]) if len(self._frozen.outputs) > 1 else 0
        """How many features tuning leaves alone."""
        self.width = int(tuned.output_shape[-1]) + self.kept_width
        """Length of a picture's features."""
        self.untuned = TunedPart(tuned)
        """The other part, as the backbone brings it."""
        pixels = tf.TensorSpec((BATCH_SIZE, settings.side, settings.side, 3), tf.uint8)
        self._graph = tf.function(self._forward, input_signature=[pixels], autograph=False)

    @property
    def backbone_name(self) -> str:
        """Architecture, width and, of weights from a path, where they came from."""
        weights = self.settings.weights_path
        return f"{self.settings.backbone}/{self.width}" + (f"@{weights.name}" if weights else "")

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Untuned features `[n, width] float32` of pictures `[n, side, side, 3] uint8`, as an `ImageEncoder` does."""
        return self.untuned.features(self.activations(images))

    def activations(self, pixels: np.ndarray) -> Activations:
        """What the frozen part says of pictures `[n, side, side, 3] uint8`; n may be 0."""
        parts = [self._encode_batch(pixels[start : start + BATCH_SIZE]) for start in range(0, len(pixels), BATCH_SIZE)]
        empty = Activations(np.empty((0, *self.inner_shape), np.float16), np.empty((0, self.kept_width), np.float32))
        return joined([empty, *parts])

    def _encode_batch(self, pixels: np.ndarray) -> Activations:
        padded = np.zeros((BATCH_SIZE, *pixels.shape[1:]), np.uint8)
        padded[: len(pixels)] = pixels
        inner, kept = self._graph(padded)
        return Activations(inner.numpy()[: len(pixels)], kept.numpy()[: len(pixels)])

    def _forward(self, pixels: Any) -> Any:
        said = self._frozen(pixels, training=False)
        inner, kept = said if self.kept_width else (said, tf.zeros((BATCH_SIZE, 0)))
        return tf.cast(inner, tf.float16), tf.cast(kept, tf.float32)


def joined(parts: Sequence[Activations]) -> Activations:
    """Pictures of several batches, in order."""
    return Activations(np.concatenate([part.inner for part in parts]), np.concatenate([part.kept for part in parts]))


def _parts(settings: TrunkSettings) -> tuple[keras.Model, keras.Model]:
    try:
        if settings.backbone == EFFICIENTNET_LITE0:
            return _lite_parts(settings)
        if settings.backbone.startswith(KERAS_PREFIX):
            return _application_parts(settings)
    except (WeightsFileError, OSError, ValueError) as error:
        raise EncoderConfigurationError(f"backbone {settings.backbone}: {error}") from error
    raise EncoderConfigurationError(
        f"backbone {settings.backbone!r} is unknown; use {EFFICIENTNET_LITE0} or {KERAS_PREFIX}<keras application>"
    )


def _lite_parts(settings: TrunkSettings) -> tuple[keras.Model, keras.Model]:
    weights = settings.weights_path or efficientnet_lite.packaged_weights_path()
    network = efficientnet_lite.load_network(weights, side=settings.side)
    inner, pooled, taps = efficientnet_lite.cut(network)
    kept = keras.layers.Concatenate(name="kept", dtype="float32")(taps)
    return keras.Model(network.input, [inner, kept]), keras.Model(inner, pooled)


def _application_parts(settings: TrunkSettings) -> tuple[keras.Model, keras.Model]:
    name = settings.backbone.removeprefix(KERAS_PREFIX)
    network = load_application(name, settings.weights_path, settings.side)
    if settings.tuned_behind is None:
        features = keras.Input(network.output_shape[1:], name="features")
        return scaling_application(name, network), keras.Model(features, keras.layers.Identity()(features))
    inner = network.get_layer(settings.tuned_behind).output
    return scaling_application(name, keras.Model(network.input, inner)), keras.Model(inner, network.output)
