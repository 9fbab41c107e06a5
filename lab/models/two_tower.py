"""Two towers: a user is a recency-weighted mean of its items, passed through a dense layer; an item is its own vector
and its attributes' (Yi et al., "Sampling-Bias-Corrected Neural Modeling", RecSys 2019: softmax over samples, logQ).
"""

from dataclasses import dataclass, field

import keras
import tensorflow as tf

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.sequence_learning.learning import LearningConfig, learn
from lab.sequence_learning.model import SequenceModel
from lab.sequence_learning.network import Batch, NetworkConfig, SequenceNetwork
from lab.sequence_learning.packing import NOTHING

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """The user's tower and how both learn."""

    half_life_items: float = 6.0
    """An item so many steps earlier in the history counts half."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)


def train(histories: Histories, training: Training, config: Config) -> SequenceModel:
    """Train both towers; `epochs` of the result is what a run on more data should take.

    Raises:
        ValueError: no history has two items.

    """
    keras.utils.set_random_seed(training.seed)
    network = SequenceNetwork(histories.item_count, config.network, Pooling(config), training.attributes)
    return learn(network, histories, training, config.learning)


class Pooling(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A weighted mean of what a piece holds up to each place, and a dense layer beside it."""

    def __init__(self, config: Config) -> None:
        super().__init__(name="pooling")
        self.half_life_items = config.half_life_items
        self.dense = keras.layers.Dense(config.network.width, "tanh", name="dense")

    def call(self, vectors: tf.Tensor, batch: Batch, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` → `[B, L, W]`."""
        length = batch.items.shape[1]
        steps = tf.range(length)[:, None] - tf.range(length)[None]
        seen = (batch.pieces[:, :, None] == batch.pieces[:, None, :]) & (steps >= 0)[None]
        seen &= (batch.items != NOTHING)[:, None, :]
        decay = tf.pow(2.0, -tf.cast(tf.maximum(steps, 0), tf.float32) / self.half_life_items)
        weights = tf.cast(seen, tf.float32) * decay[None]
        weights /= tf.maximum(tf.reduce_sum(weights, axis=2, keepdims=True), 1e-9)
        pooled = tf.matmul(weights, vectors)
        return pooled + self.dense(pooled)
