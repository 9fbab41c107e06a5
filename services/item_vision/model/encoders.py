"""What the service needs of an encoder, and how configuration chooses one; TensorFlow only once it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

PICTURE_SIZE = 224
EFFICIENTNET_LITE0 = "efficientnet_lite0"
KERAS_PREFIX = "keras:"
PACKAGED_TEXT_ENCODER = "package"


class ImageEncoder(Protocol):
    """Turns pictures into raw features. Thread-safe; the same picture has the same features in any batch."""

    @property
    def backbone_name(self) -> str:
        """Names architecture and weights; part of every image `space_id`."""

    @property
    def width(self) -> int:
        """Length of a feature vector."""

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Features `[n, width] float32` of pictures `[n, 224, 224, 3] uint8` (RGB); n may be 0."""


class TextEncoder(Protocol):
    """Turns sentences into vectors that mean the same across languages."""

    @property
    def encoder_name(self) -> str:
        """Names architecture and weights; part of every text `space_id`."""

    @property
    def width(self) -> int:
        """Length of a sentence vector."""

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """L2-normalised vectors `[n, width] float32`; an empty sentence is a row of zeros; n may be 0."""


@dataclass(frozen=True)
class ImageEncoderSettings:
    """Which backbone encodes pictures, and how."""

    backbone: str = EFFICIENTNET_LITE0
    """`efficientnet_lite0`, or `keras:` and a backbone of keras.applications: `keras:MobileNetV3Small`."""
    weights_path: Path | None = None
    """None: the packaged weights for `efficientnet_lite0`, random ones for `keras:` (tests only)."""
    batch_sizes: tuple[int, ...] = (1, 8, 32)
    """A batch is cut into the largest and the rest padded to the smallest that holds it: one graph a size."""
    mixed_precision: bool | None = None
    """Half-precision convolutions; features stay float32. None: on where there is a GPU."""
    devices: tuple[str, ...] = ()
    """Logical devices that share a batch, such as ("GPU:0", "GPU:1"). Empty: all GPUs, or else the CPU."""


def load_image_encoder(settings: ImageEncoderSettings) -> ImageEncoder:
    """The configured backbone with its weights. Imports TensorFlow (2 s) and takes about a second more.

    Raises:
        EncoderConfigurationError: The backbone is unknown, or the weights do not fit it.

    """
    from services.item_vision.model.backbone import KerasImageEncoder

    return KerasImageEncoder(settings)


def load_text_encoder(source: str) -> TextEncoder:
    """`package`: the packaged multilingual encoder (numpy, 512-d); else a SavedModel folder or `.keras` file.

    Raises:
        EncoderConfigurationError: There is nothing at the path, or it does not map strings to vectors.

    """
    from services.item_vision.model import text_encoders

    if source == PACKAGED_TEXT_ENCODER:
        return text_encoders.PackagedTextEncoder()
    return text_encoders.load_saved_text_encoder(Path(source))


class EncoderConfigurationError(ValueError):
    """The configured encoder cannot be had; the message says what to set."""


def normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows at length 1, `float32`; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.zeros(vectors.shape, np.float32)
    np.divide(vectors, lengths, out=unit, where=lengths > 0)
    return unit
