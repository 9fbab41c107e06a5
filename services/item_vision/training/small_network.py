"""A small convolutional network from scratch, for small pictures where no pretrained backbone helps.

Residual blocks (He et al., CVPR 2016) at three resolutions, half as large each; pictures are mirrored, shifted and
partly covered (DeVries & Taylor, "Cutout", 2017) anew in every epoch; one cycle of the learning rate (Smith, 2018).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from services.item_vision.training.calibration import fit_temperature, log_softmax
from services.item_vision.training.devices import Devices

Progress = Callable[[str, int, int], None]
"""`show(what, done, total)`."""


@dataclass(frozen=True)
class SmallNetworkSettings:
    """Size of the network, and how it is trained."""

    widths: tuple[int, ...] = (32, 64, 128)
    """Channels at each resolution."""
    epoch_count: int = 14
    """Passes over the pictures."""
    batch_size: int = 128
    """Pictures a step, on all devices together."""
    learning_rate: float = 3e-3
    """Greatest, of AdamW; rises over the first fifth of the steps, then falls to zero along a cosine."""
    weight_decay: float = 0.05
    """Of AdamW."""
    smoothing: float = 0.1
    """Share of each target that is spread over all classes."""
    dropout: float = 0.2
    """Before the classes."""
    greatest_shift: int = 2
    """Pixels, either way, across and down."""
    covered: int = 8
    """Side of the square that is covered with the mean in half of the pictures."""
    seed: int = 1
    """Of weights, order and alterations."""


class SmallClassifier:
    """A trained network."""

    def __init__(self, network: keras.Model, moments: tuple[float, float]) -> None:
        self.temperature = 1.0
        """Divides the logits."""
        self._network = network
        self._moments = moments

    def calibrate(self, pixels: np.ndarray, classes: np.ndarray) -> None:
        """Fit the temperature on pictures that were not learned from."""
        self.temperature = fit_temperature(self._logits(pixels), classes)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """`[n, classes]` of pictures `[n, height, width, channels] uint8`, averaged over each and its mirror image."""
        probabilities: np.ndarray = np.exp(log_softmax(self._logits(pixels) / self.temperature))
        return probabilities

    def _logits(self, pixels: np.ndarray) -> np.ndarray:
        scaled = _scaled(pixels, self._moments)
        both = [self._network.predict(view, batch_size=256, verbose=0) for view in (scaled, scaled[:, :, ::-1])]
        logits: np.ndarray = np.mean(both, axis=0)
        return logits


def train_small_network(
    pixels: np.ndarray,
    classes: np.ndarray,
    settings: SmallNetworkSettings | None = None,
    devices: Devices | None = None,
    progress: Progress = lambda what, done, total: None,
) -> SmallClassifier:
    """A network that tells the `classes [n]`, 0 to their greatest, of `pixels [n, height, width, channels] uint8`."""
    settings, devices = settings or SmallNetworkSettings(), devices or Devices()
    keras.utils.set_random_seed(settings.seed)
    moments = float(pixels.mean()), float(pixels.std())
    scaled = _scaled(pixels, moments)
    class_count = int(classes.max()) + 1
    targets = np.eye(class_count, dtype=np.float32)[classes]
    with devices.scope():
        network = build_small_network(pixels.shape[1:], class_count, settings)
        step_count = settings.epoch_count * -(-len(pixels) // settings.batch_size)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.smoothing)
        network.compile(devices.optimizer(_optimizer(settings, step_count)), loss)
    generator = np.random.default_rng(settings.seed)
    for epoch in range(settings.epoch_count):
        order = generator.permutation(len(scaled))
        seen = _altered(scaled[order], settings, generator)
        past = network.fit(seen, targets[order], batch_size=settings.batch_size, epochs=1, shuffle=False, verbose=0)
        progress(f"epochs, loss {past.history['loss'][-1]:.4f}", epoch + 1, settings.epoch_count)
    return SmallClassifier(network, moments)


def build_small_network(shape: tuple[int, ...], class_count: int, settings: SmallNetworkSettings) -> keras.Model:
    """Scaled pixels `[n, *shape]` to logits `[n, class_count] float32`."""
    pixels = keras.Input(shape)
    hidden = _convolved(pixels, settings.widths[0])
    for width in settings.widths[1:]:
        hidden = _convolved(keras.layers.MaxPooling2D()(hidden), width)
        hidden = keras.layers.Add()([hidden, _convolved(hidden, width)])
    pools = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
    pooled = keras.layers.Concatenate(dtype="float32")([pool(dtype="float32")(hidden) for pool in pools])
    dropped = keras.layers.Dropout(settings.dropout, seed=settings.seed)(pooled)
    return keras.Model(pixels, keras.layers.Dense(class_count, dtype="float32")(dropped))


def _convolved(inputs: Any, width: int) -> Any:
    hidden = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(inputs)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(hidden))


def _optimizer(settings: SmallNetworkSettings, step_count: int) -> keras.optimizers.Optimizer:
    rising = max(step_count // 5, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 20,
        max(step_count - rising, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=rising,
    )
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)


def _scaled(pixels: np.ndarray, moments: tuple[float, float]) -> np.ndarray:
    mean, deviation = moments
    scaled: np.ndarray = (pixels.astype(np.float32) - np.float32(mean)) / np.float32(deviation or 1.0)
    return scaled


def _altered(scaled: np.ndarray, settings: SmallNetworkSettings, generator: np.random.Generator) -> np.ndarray:
    """Each picture mirrored half the time, shifted (its border repeated), and half of them covered in one place."""
    count, height, width = scaled.shape[:3]
    shift = settings.greatest_shift
    padded = np.pad(scaled, ((0, 0), (shift, shift), (shift, shift), (0, 0)), "edge")
    down, across = generator.integers(0, 2 * shift + 1, (2, count))
    rows = down[:, None] + np.arange(height)
    columns = across[:, None] + np.arange(width)
    mirrored = generator.random(count) < 0.5
    columns[mirrored] = columns[mirrored, ::-1]
    seen: np.ndarray = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    tops = generator.integers(-settings.covered // 2, height - settings.covered // 2, count)
    lefts = generator.integers(-settings.covered // 2, width - settings.covered // 2, count)
    for picture in np.flatnonzero(generator.random(count) < 0.5):
        top, left = tops[picture], lefts[picture]
        seen[picture, max(top, 0) : top + settings.covered, max(left, 0) : left + settings.covered] = 0.0
    return seen
