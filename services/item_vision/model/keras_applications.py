"""Networks of keras.applications, by name, with weights from a path; nothing is ever downloaded."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import keras

from services.item_vision.model.encoders import EncoderConfigurationError


def load_application(name: str, weights_path: Path | None, side: int) -> keras.Model:
    """A network such as `MobileNetV3Small` without its top: scaled pixels `[n, side, side, 3]` to pooled features.

    Without a path its weights are random (for tests).

    Raises:
        EncoderConfigurationError: There is no network of that name.
        ValueError, OSError: The weights do not fit, or cannot be read.

    """
    shape = (side, side, 3)
    weights = str(weights_path) if weights_path else None
    return _builder(name)(include_top=False, weights=weights, pooling="avg", input_shape=shape)


def scaling_application(name: str, network: keras.Model) -> keras.Model:
    """`network`, which may be a part of the application `name` that begins at its input, over pixels from 0 to 255."""
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    return keras.Model(pixels, network(_module(name).preprocess_input(keras.ops.cast(pixels, "float32"))))


def _builder(name: str) -> keras.Model:
    build = getattr(keras.applications, name, None)
    if not inspect.isfunction(build):
        raise EncoderConfigurationError(f"keras.applications has no backbone {name!r}")
    return build


def _module(name: str) -> ModuleType:
    # A backbone's own pixel scaling lives in the module that defines it.
    return importlib.import_module(_builder(name).__module__)
