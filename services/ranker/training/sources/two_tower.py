"""Two towers trained with sampled softmax over the batch, corrected for how often items are drawn.

Sources: Yi et al., "Sampling-Bias-Corrected Neural Modeling" (RecSys 2019): in-batch negatives, logQ correction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.training.interactions import Interactions, action_weights

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TwoTowerConfig:
    """How the towers are trained."""

    size: int = 48
    """Length of the vectors."""
    history: int = 20
    """Earlier items that a user's vector is made of."""
    temperature: float = 0.08
    """Cosines are divided by it."""
    content_share: float = 0.5
    """How much of an item's first vector is its content (pictures, text), so that rare items begin near their like."""
    learning_rate: float = 3e-3
    """Of Adam."""
    batch_size: int = 512
    """Positives a step; the others' positives are each one's negatives."""
    epochs: int = 6
    """Passes over the positives."""
    most_positives: int = 40_000
    """The newest actions are used, at most so many."""
    half_life_items: float = 6.0
    """An item so many steps earlier in the history counts half."""
    seed: int = 13
    """Of initial vectors and shuffling."""


@dataclass(frozen=True)
class Examples:
    """Positives with the history before each."""

    history: NDArray[np.int32]
    """`[n, history]` rows, −1 pads."""
    weights: NDArray[np.float32]
    """`[n, history]`, rows sum to 1."""
    positives: NDArray[np.int32]
    """`[n]` rows."""


def train(
    interactions: Interactions,
    content: NDArray[np.float32],
    config: TwoTowerConfig | None = None,
    progress: Progress | None = None,
) -> dict[str, NDArray[Any]]:
    """`item_vectors`, `history_vectors` `[items, size]`, `user_kernel`, `user_bias`, `temperature`.

    Items that no history holds get the vector of their content: the mean of what alike items got.
    """
    config = config or TwoTowerConfig()
    keras.utils.set_random_seed(config.seed)
    examples = examples_of(interactions, config)
    if not len(examples.positives):
        return _export(_Towers(content, config), config)
    frequency = np.bincount(examples.positives, minlength=interactions.item_count) / len(examples.positives)
    towers = _Towers(content, config)
    random = np.random.default_rng(config.seed)
    log_q = np.log(np.maximum(frequency, 1e-9)).astype(np.float32)
    for epoch in range(config.epochs):
        order = random.permutation(len(examples.positives))
        losses = [
            float(towers.step(examples, order[start : start + config.batch_size], log_q))
            for start in range(0, len(order), config.batch_size)
        ]
        if progress:
            progress(f"two towers, loss {np.mean(losses):.3f}", epoch + 1, config.epochs)
    return _export(towers, config)


def examples_of(interactions: Interactions, config: TwoTowerConfig) -> Examples:
    """Each action with the items the user acted on before it, newest first in weight."""
    counted = np.flatnonzero(action_weights(interactions.actions) > 0)
    order = counted[np.lexsort((-interactions.age_days[counted], interactions.users[counted]))]
    users, rows = interactions.users[order], interactions.rows[order]
    starts = np.searchsorted(users, users)
    newest = np.argsort(interactions.age_days[order], kind="stable")[: config.most_positives]
    chosen = np.sort(newest[np.arange(len(order))[newest] > starts[newest]])
    offsets = np.arange(1, config.history + 1)
    places = chosen[:, None] - offsets[None]
    real = places >= starts[chosen][:, None]
    history = np.where(real, rows[np.maximum(places, 0)], -1).astype(np.int32)
    # The positive itself is never in its own history, or the towers would learn to repeat it.
    real &= history != rows[chosen][:, None]
    weights = np.where(real, np.exp2(-(offsets - 1) / config.half_life_items), 0.0)
    kept = real.any(axis=1)
    weights = weights[kept] / weights[kept].sum(axis=1, keepdims=True)
    return Examples(np.where(real, history, -1)[kept], weights.astype(np.float32), rows[chosen][kept].astype(np.int32))


class _Towers:
    """Item vectors for both towers, and the user tower's dense layer."""

    def __init__(self, content: NDArray[np.float32], config: TwoTowerConfig) -> None:
        random = np.random.default_rng(config.seed)
        projection = random.standard_normal((content.shape[1], config.size)).astype(np.float32)
        described = content @ projection
        described /= np.maximum(np.linalg.norm(described, axis=1, keepdims=True), 1e-9)
        own = random.standard_normal(described.shape).astype(np.float32) / np.sqrt(config.size)
        first = config.content_share * described + (1.0 - config.content_share) * own
        self.items = keras.Variable(first.astype(np.float32))
        self.history = keras.Variable(first.astype(np.float32))
        self.kernel = keras.Variable(0.05 * random.standard_normal((config.size, config.size)).astype(np.float32))
        self.bias = keras.Variable(np.zeros(config.size, np.float32))
        self._variables = [self.items, self.history, self.kernel, self.bias]
        self._optimizer = keras.optimizers.Adam(config.learning_rate)
        self._optimizer.build(self._variables)
        self._temperature = config.temperature
        self._compiled = tf.function(self._step, reduce_retracing=True)

    def step(self, examples: Examples, chosen: NDArray[np.int64], log_q: NDArray[np.float32]) -> tf.Tensor:
        """One step on the chosen examples; returns the loss."""
        positives = examples.positives[chosen]
        return self._compiled(
            tf.constant(np.maximum(examples.history[chosen], 0)),
            tf.constant(examples.weights[chosen]),
            tf.constant(positives),
            tf.constant(log_q[positives]),
        )

    def user(self, history: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """`[n, size]` unit vectors of users."""
        pooled = tf.reduce_sum(tf.gather(self.history.value, history) * weights[:, :, None], axis=1)
        return tf.math.l2_normalize(pooled + tf.tanh(pooled @ self.kernel.value + self.bias.value), axis=1)

    def _step(self, history: tf.Tensor, weights: tf.Tensor, positives: tf.Tensor, log_q: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            items = tf.math.l2_normalize(tf.gather(self.items.value, positives), axis=1)
            logits = self.user(history, weights) @ tf.transpose(items) / self._temperature - log_q[None]
            # The same item elsewhere in the batch is no negative.
            same = (positives[:, None] == positives[None]) & ~tf.eye(tf.shape(positives)[0], dtype=tf.bool)
            logits = tf.where(same, -1e9, logits)
            labels = tf.range(tf.shape(positives)[0])
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, [v.value for v in self._variables])]
        self._optimizer.apply(gradients, self._variables)
        return loss


def _export(towers: _Towers, config: TwoTowerConfig) -> dict[str, NDArray[Any]]:
    items = keras.ops.convert_to_numpy(towers.items)
    return {
        "item_vectors": items / np.maximum(np.linalg.norm(items, axis=1, keepdims=True), 1e-9),
        "history_vectors": keras.ops.convert_to_numpy(towers.history),
        "user_kernel": keras.ops.convert_to_numpy(towers.kernel),
        "user_bias": keras.ops.convert_to_numpy(towers.bias),
        "temperature": np.array(config.temperature, np.float32),
    }
