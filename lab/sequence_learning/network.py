"""What the sequence networks share: item vectors on both ends, and an encoder of any kind in between.

Shapes: B strips, L places, W width.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from lab.sequence_learning.packing import NOTHING, Strips


@dataclass(frozen=True)
class NetworkConfig:
    """The parts outside the encoder."""

    width: int = 64
    """Length of item vectors and states."""
    length: int = 50
    """Newest items of a user that are read."""
    temperature: float = 0.07
    """Scores are cosines divided by it; 0: plain dot products."""
    dropout: float = 0.2
    """Share of the numbers in the item vectors read that are dropped."""
    masked_share: float = 0.0
    """Share of the items read that are hidden in a step: augmentation."""
    tied: bool = True
    """Whether items have the same vectors where they are read and where they are scored."""
    deviation: float = 0.05
    """Standard deviation of the first item vectors."""


class Batch(NamedTuple):
    """Strips as tensors; see `Strips`."""

    items: Any
    """`[B, L]`"""
    places: Any
    """`[B, L]`"""
    pieces: Any
    """`[B, L]`"""

    @classmethod
    def of(cls, strips: Strips, chosen: Any) -> "Batch":
        """The chosen strips."""
        return cls(*(tf.constant(each[chosen]) for each in (strips.items, strips.places, strips.pieces)))


class ItemVectors(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """An item's own vector plus those of its attributes, their sum divided by the root of their number."""

    def __init__(self, item_count: int, config: NetworkConfig, attributes: csr_matrix | None, name: str) -> None:
        super().__init__(name=name)
        first = keras.initializers.RandomNormal(stddev=config.deviation)
        self.own = self.add_weight(shape=(item_count, config.width), initializer=first, name="own")
        self.codes = None
        if attributes is not None and attributes.nnz:
            codes = _codes(attributes)
            self.codes = self.add_weight(shape=codes.shape, dtype="int32", trainable=False, name="codes")
            self.codes.assign(codes)
            self.attributes = self.add_weight(
                shape=(attributes.shape[1], config.width), initializer=first, name="attributes"
            )

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """`[...]` item rows → `[..., W]`; zeros for NOTHING."""
        real = rows != NOTHING
        known = tf.maximum(rows, 0)
        vectors = tf.gather(self.own.value, known)
        if self.codes is not None:
            codes = tf.gather(self.codes.value, known)
            present = tf.cast(codes != NOTHING, tf.float32)
            weights = present * tf.math.rsqrt(tf.maximum(tf.reduce_sum(present, axis=-1, keepdims=True), 1.0))
            described = tf.gather(self.attributes.value, tf.maximum(codes, 0))
            vectors += tf.reduce_sum(weights[..., None] * described, axis=-2)
        return vectors * tf.cast(real, tf.float32)[..., None]


def _codes(attributes: csr_matrix) -> np.ndarray:
    """`[items, most attributes of one]` int32, NOTHING where an item has fewer."""
    counts = np.diff(attributes.indptr)
    codes = np.full((attributes.shape[0], max(int(counts.max()), 1)), NOTHING, np.int32)
    codes[np.arange(codes.shape[1])[None] < counts[:, None]] = attributes.indices
    return codes


class SequenceNetwork(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """From histories to states, and from items to what states are compared with by dot product."""

    def __init__(
        self, item_count: int, config: NetworkConfig, encoder: keras.layers.Layer, attributes: csr_matrix | None
    ) -> None:
        """Args:
        item_count: of the vocabulary.
        config: widths and regularisation.
        encoder: `encoder(vectors [B, L, W], batch, training=…)` → `[B, L, W]`; a place's state depends on what its own
            piece holds up to that place.
        attributes: `[items, attributes]`, or None.

        """
        super().__init__(name="sequence_network")
        self.item_count, self.config, self.encoder = item_count, config, encoder
        self.read = ItemVectors(item_count, config, attributes, "read")
        self.scored = self.read if config.tied else ItemVectors(item_count, config, attributes, "scored")
        self.drop = keras.layers.Dropout(config.dropout)
        self.hide = keras.layers.Dropout(config.masked_share, noise_shape=(None, None, 1))
        self.scores = tf.function(self._scores)
        nothing = tf.zeros((1, config.length), tf.int32)
        self.states(Batch(nothing, nothing, nothing))  # makes the weights, outside any graph

    def states(self, batch: Batch, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` what is known of a user at each place."""
        vectors = self.drop(self.hide(self.read(batch.items), training=training), training=training)
        states = self.encoder(vectors, batch, training=training)
        return tf.math.l2_normalize(states, axis=-1) if self.config.temperature else states

    def items(self, rows: tf.Tensor) -> tf.Tensor:
        """`[...]` item rows → `[..., W]` vectors whose dot product with a state is the item's score."""
        vectors = self.scored(rows)
        if self.config.temperature:
            vectors = tf.math.l2_normalize(vectors, axis=-1) / self.config.temperature
        return vectors

    def _scores(self, batch: Batch, newest: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
        """`[B, items]` from the state at place `newest` `[B]` of each strip and the items' vectors `[items, W]`."""
        return tf.matmul(tf.gather(self.states(batch), newest, batch_dims=1), vectors, transpose_b=True)
