"""A trained fusion model for serving alone: no training tables, weights in fewer bits, the graph otherwise the same.

Storage is compressed, arithmetic is not: weights become float32 again as they are used, tables row by row as rows are
looked up. So nothing but the rounding of weights can change an answer (ADR 0030).
"""

from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.model.fusion import FusionModel
from services.ranker.model.layers import Calibration

Precision = Literal["float16", "int8"]

LARGEST_INT8 = 127
LEAST_ROUNDED = 256
"""Weights of fewer numbers (biases, norms, calibration) stay float32: they are cheap, and errors in them are not."""


class PackedModel:
    """Answers like the model it was made of, from a copy of its weights in `precision`; freezes the model first.

    Of the items it keeps their vectors and categories: content and own embeddings are only needed to train.
    """

    def __init__(self, model: FusionModel, precision: Precision) -> None:
        """Raises ValueError for a model that computes item vectors at each request."""
        if not model.config.precomputed:
            raise ValueError("Only a model with precomputed item vectors can be packed.")
        model.freeze()
        self._model, self.precision = model, precision
        tower = model.items
        self._vectors = _Packed(tower.vectors.numpy(), precision, axis=1)
        self._categories = tf.Variable(tower.codes.numpy()[:, 0], trainable=False)
        tables = {id(table) for table in (tower.codes, tower.warm, tower.vectors)}
        if tower.reads_content:
            tables.add(id(tower.content))
        if model.config.id_size:
            tables.update(id(shard) for shard in tower.own.shards)
        self._weights = [
            (variable, _Packed(variable.numpy(), precision, axis=0))
            for variable in model.weights
            if id(variable) not in tables
        ]

    @property
    def calibration(self) -> Calibration:
        """The model's own, which is not rounded."""
        return self._model.calibration

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Uncalibrated logits of a batch, as `FusionModel` answers them. There is nothing to train."""
        if training:
            raise ValueError("A packed model cannot be trained; train the model that it was made of.")
        with self._unpacked():
            click, conversion = self._model(inputs, training=False, lookup=self._lookup)
        return click, conversion

    def freeze(self) -> None:
        """Nothing is left to do."""

    def serve(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The signature `serving_default`."""
        with self._unpacked():
            return self._model.serve(inputs, self._lookup)

    def explain(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The signature `explain`."""
        with self._unpacked():
            return self._model.explain(inputs, self._lookup)

    def _unpacked(self) -> keras.StatelessScope:
        """Within it the model's weights are those of this copy."""
        return keras.StatelessScope([(variable, packed.values()) for variable, packed in self._weights])

    def _lookup(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._vectors.rows(rows), tf.gather(self._categories, rows)


class _Packed:
    """One weight in few bits. int8 is symmetric with one scale for each slice along the axes that are kept."""

    def __init__(self, values: NDArray[np.float32], precision: Precision, axis: int) -> None:
        """`axis` is what a scale is shared along: 0 for kernels (a scale a column), 1 for tables (a scale a row)."""
        self._scale: tf.Variable | None = None
        if values.dtype != np.float32 or values.ndim < 2 or values.size < LEAST_ROUNDED:
            stored = values
        elif precision == "float16":
            stored = values.astype(np.float16)
        else:
            largest = np.abs(values).max(axis=axis, keepdims=True)
            scale = np.maximum(largest, np.finfo(np.float32).tiny) / LARGEST_INT8
            stored = np.rint(values / scale).astype(np.int8)
            self._scale = tf.Variable(scale.astype(np.float32), trainable=False)
        self._stored = tf.Variable(stored, trainable=False)
        self._dtype = values.dtype

    def values(self) -> tf.Tensor:
        """All of it, as it was but for rounding."""
        values = tf.cast(self._stored, self._dtype)
        return values if self._scale is None else values * self._scale

    def rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Some rows of a table."""
        values = tf.cast(tf.gather(self._stored, rows), self._dtype)
        return values if self._scale is None else values * tf.gather(self._scale, rows)
