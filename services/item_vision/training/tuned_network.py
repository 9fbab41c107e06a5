"""A tuned part of a trunk with a layer of classes: what `tune` makes."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.item_vision.model.trunk import Activations, Trunk


class TunedNetwork:
    """A tuned part of its own and a layer of classes."""

    def __init__(self, trunk: Trunk, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Begin with the trunk's own weights; `kernel [width, classes]` and `bias` are those of the classes."""
        self._part = trunk.untuned.copy()
        self._classes = keras.layers.Dense(len(bias), name="classes", dtype="float32")
        self._classes.build((None, trunk.width))
        self._classes.set_weights([kernel, bias])

    @property
    def variables(self) -> list[keras.Variable]:
        """What is tuned."""
        return [*self._part.variables, *self._classes.trainable_variables]

    def features(self, activations: Activations) -> np.ndarray:
        """`[n, width] float32`: the tuned features, then the kept ones."""
        return self._part.features(activations)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """`[n, classes] float32` of features `[n, width]`."""
        kernel, bias = self._classes.get_weights()
        logits: np.ndarray = features @ kernel + bias
        return logits

    def losses(self, inner: Any, kept: Any, targets: Any, scales: Any) -> Any:
        """`[n]` cross-entropy with targets `[n, classes]`, features multiplied by `scales [n, width]`."""
        features = tf.concat([self._part.pooled(inner), kept], axis=1)
        return tf.nn.softmax_cross_entropy_with_logits(targets, self._classes(features * scales))
