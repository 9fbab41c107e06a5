"""A Transformer reads a user's items in order, each place seeing only what came before (Kang & McAuley, "Self-Attentive
Sequential Recommendation", ICDM 2018); trained by sampled softmax (Klenitskiy & Vasilev, RecSys 2023, on why the
original binary loss holds it back).
"""

from dataclasses import dataclass, field

import keras
import tensorflow as tf

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.sequence_learning.ensemble import SequenceEnsemble, train_members
from lab.sequence_learning.learning import LearningConfig, learn
from lab.sequence_learning.model import SequenceModel
from lab.sequence_learning.network import Batch, NetworkConfig, SequenceNetwork
from lab.sequence_learning.packing import NOTHING

USES_ORDER = True
_MASKED = -1e9


@dataclass(frozen=True)
class Config:
    """The Transformer and how it learns."""

    blocks: int = 1
    """Blocks of attention and network."""
    heads: int = 2
    """Attention heads; they divide the width."""
    dropout: float = 0.4
    """Of what each half of a block adds."""
    widening: int = 2
    """Width of a block's network in widths of the states."""
    members: int = 2
    """Networks that are trained, with other seeds, and averaged."""
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(width=128))
    learning: LearningConfig = field(default_factory=LearningConfig)


def train(histories: Histories, training: Training, config: Config) -> SequenceModel | SequenceEnsemble:
    """Train it; `epochs` of the result is what a run on more data should take.

    Raises:
        ValueError: no history has two items.

    """

    def train_one(training: Training) -> SequenceModel:
        keras.utils.set_random_seed(training.seed)
        network = SequenceNetwork(histories.item_count, config.network, Transformer(config), training.attributes)
        return learn(network, histories, training, config.learning)

    return train_members(train_one, training, config.members)


class Transformer(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Blocks of causal self-attention within pieces, over item vectors plus learned vectors of places."""

    def __init__(self, config: Config) -> None:
        super().__init__(name="transformer")
        width, length = config.network.width, config.network.length
        first = keras.initializers.RandomNormal(stddev=config.network.deviation)
        self.place_vectors = self.add_weight(shape=(length, width), initializer=first, name="places")
        # How much nearer items are preferred, by steps: what absolute places cannot say alike at every place.
        self.nearness = self.add_weight(shape=(length, config.heads), initializer="zeros", name="nearness")
        self.blocks = [_Block(width, config, name=f"block_{number}") for number in range(config.blocks)]
        self.normalise = keras.layers.LayerNormalization(name="normalise")

    def call(self, vectors: tf.Tensor, batch: Batch, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` → `[B, L, W]`."""
        states = vectors + tf.gather(self.place_vectors.value, batch.places)
        bias = self._bias(batch)
        for block in self.blocks:
            states = block(states, bias, training=training)
        return self.normalise(states)

    def _bias(self, batch: Batch) -> tf.Tensor:
        """`[B, heads, L, L]` what is added to the attention of a place (third axis) on another."""
        length = batch.items.shape[1]
        steps = tf.range(length)[:, None] - tf.range(length)[None]
        seen = (batch.pieces[:, :, None] == batch.pieces[:, None, :]) & (steps >= 0)[None]
        seen &= (batch.items != NOTHING)[:, None, :]
        nearness = tf.transpose(tf.gather(self.nearness.value, tf.maximum(steps, 0)), [2, 0, 1])
        return tf.where(seen[:, None], nearness[None], _MASKED)


class _Block(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Self-attention, `softmax(Q K^T / sqrt(d) + bias) V`, and a two-layer network; each normalises first and adds."""

    def __init__(self, width: int, config: Config, name: str) -> None:
        super().__init__(name=name)
        self.heads, self.size = config.heads, width // config.heads
        self.before_attention = keras.layers.LayerNormalization(name="before_attention")
        self.project = keras.layers.Dense(3 * width, name="query_key_value")
        self.mix = keras.layers.Dense(width, name="mix")
        self.before_network = keras.layers.LayerNormalization(name="before_network")
        self.widen = keras.layers.Dense(config.widening * width, "gelu", name="widen")
        self.narrow = keras.layers.Dense(width, name="narrow")
        self.drop = keras.layers.Dropout(config.dropout, name="drop")

    def call(self, states: tf.Tensor, bias: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` states, `[B, heads, L, L]` bias → `[B, L, W]`."""
        states += self.drop(self._attend(self.before_attention(states), bias), training=training)
        return states + self.drop(self.narrow(self.widen(self.before_network(states))), training=training)

    def _attend(self, states: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        length = states.shape[1]
        split = tf.reshape(self.project(states), [-1, length, 3, self.heads, self.size])
        query, key, value = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]))
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / self.size**0.5 + bias)
        mixed = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
        return self.mix(tf.reshape(mixed, [-1, length, self.heads * self.size]))
