"""The fusion model's layers. Shapes: B requests, C candidates, L history steps, W width."""

from typing import Any

import keras
import tensorflow as tf

from services.ranker.model.configuration import FusionConfig

_MASKED = -1e9


class SelfAttention(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Multi-head self-attention, `softmax(Q K^T / sqrt(d)) V` (Vaswani et al. 2017, eq. 1); pads are left out."""

    def __init__(self, width: int, heads: int, l2: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.size = heads, width // heads
        self.project = keras.layers.Dense(
            3 * width, kernel_regularizer=keras.regularizers.L2(l2), name="query_key_value"
        )
        self.out = keras.layers.Dense(width, kernel_regularizer=keras.regularizers.L2(l2), name="out")

    def build(self, shape: Any) -> None:
        """Builds both projections."""
        self.project.build(shape)
        self.out.build((*shape[:-1], self.heads * self.size))

    def call(self, states: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        """`[B, L, W]` states, `[B, L]` bool of real steps → `[B, L, W]`."""
        length = states.shape[1]
        split = tf.reshape(self.project(states), [-1, length, 3, self.heads, self.size])
        query, key, value = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query, key, transpose_b=True) / (self.size**0.5)
        scores = tf.where(valid[:, None, None, :], scores, _MASKED)
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
        return self.out(tf.reshape(mixed, [-1, length, self.heads * self.size]))


class TransformerBlock(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Pre-norm self-attention and a two-layer network, each with a residual."""

    def __init__(self, width: int, heads: int, dropout: float, l2: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        regularizer = keras.regularizers.L2(l2)
        self.attention = SelfAttention(width, heads, l2, name="attention")
        self.before_attention = keras.layers.LayerNormalization(name="before_attention")
        self.before_network = keras.layers.LayerNormalization(name="before_network")
        self.widen = keras.layers.Dense(2 * width, "gelu", kernel_regularizer=regularizer, name="widen")
        self.narrow = keras.layers.Dense(width, kernel_regularizer=regularizer, name="narrow")
        self.drop = keras.layers.Dropout(dropout, name="drop")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        for part in (self.attention, self.before_attention, self.before_network, self.widen):
            part.build(shape)
        self.narrow.build((*shape[:-1], 2 * shape[-1]))

    def call(self, states: tf.Tensor, valid: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` → `[B, L, W]`."""
        attended = self.attention(self.before_attention(states), valid)
        states = states + self.drop(attended, training=training)
        widened = self.narrow(self.widen(self.before_network(states)))
        return states + self.drop(widened, training=training)


class HistoryEncoder(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Reads the steps of a user's history, oldest first, in one of three ways; pads do not matter to the result."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__(name="history_encoder")
        kind, width = config.history_encoder, config.width
        self.kind = kind
        if kind == "transformer":
            self.steps = [
                TransformerBlock(width, config.heads, config.dropout, config.l2, name=f"block_{n}")
                for n in range(config.blocks)
            ]
        elif kind in ("lstm", "gru"):
            recurrent = keras.layers.LSTM if kind == "lstm" else keras.layers.GRU
            # The fused GPU kernels need pads on the right; ours stand on the left.
            regularizer = keras.regularizers.L2(config.l2)
            self.steps = [
                recurrent(
                    width,
                    return_sequences=True,
                    use_cudnn=False,
                    kernel_regularizer=regularizer,
                    recurrent_regularizer=regularizer,
                    name=kind,
                )
            ]
        else:
            raise ValueError(f"history_encoder must be transformer, lstm or gru, not {kind!r}.")

    def build(self, shape: Any) -> None:
        """Builds the steps; position is counted from the newest step, which is always the last."""
        if self.kind == "transformer":
            self.position = self.add_weight(shape=shape[1:], initializer="zeros", name="position")
        for step in self.steps:
            step.build(shape)

    def call(self, states: tf.Tensor, valid: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` steps and `[B, L]` bool of the real ones → `[B, L, W]`, zeros at pads."""
        if self.kind == "transformer":
            states = states + self.position
            for step in self.steps:
                states = step(states, valid, training=training)
        else:
            states = self.steps[0](states, mask=valid, training=training)
        return tf.where(valid[:, :, None], states, 0.0)


class CrossLayer(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A cross layer of DCN-v2 (Wang et al. 2021, eq. 2) of low rank: `x0 ⊙ (U V^T x + b) + x`."""

    def __init__(self, rank: int, l2: float, **options: Any) -> None:
        super().__init__(**options)
        self.rank, self.regularizer = rank, keras.regularizers.L2(l2)

    def build(self, first_shape: Any, crossed_shape: Any) -> None:
        """Adds U, V and b."""
        size = first_shape[-1]
        self.narrow = self.add_weight(shape=(size, self.rank), regularizer=self.regularizer, name="narrow")
        self.widen = self.add_weight(shape=(self.rank, size), regularizer=self.regularizer, name="widen")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")

    def call(self, first: tf.Tensor, crossed: tf.Tensor) -> tf.Tensor:
        """`[..., D]`, `[..., D]` → `[..., D]`."""
        return first * (tf.matmul(tf.matmul(crossed, self.narrow), self.widen) + self.bias) + crossed


class Calibration(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Platt scaling of the click and conversion logits: `scale * logit + shift`; set after training, 1 and 0 before."""

    def build(self, *_: Any) -> None:
        """Adds the four numbers, which no gradient moves."""
        self.scale = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="scale")
        self.shift = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="shift")

    def call(self, click: tf.Tensor, conversion: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Calibrated logits of click and conversion."""
        return self.scale[0] * click + self.shift[0], self.scale[1] * conversion + self.shift[1]


def attend(query: tf.Tensor, states: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Each candidate's view of the history: `[B, C, W]`, `[B, L, W]`, `[B, L]` → `[B, C, W]`, zeros without history."""
    scores = tf.matmul(query, states, transpose_b=True) / (query.shape[-1] ** 0.5)
    weights = tf.nn.softmax(tf.where(valid[:, None, :], scores, _MASKED))
    return tf.matmul(weights * tf.cast(valid, tf.float32)[:, None, :], states)


def interest_in_category(
    candidate: tf.Tensor, history: tf.Tensor, vectors: tf.Tensor, recency: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What the user did in each candidate's own category.

    Args:
        candidate: `[B, C]` category codes, 0 is unknown.
        history: `[B, L]` category codes, 0 at pads.
        vectors: `[B, L, W]` of the items acted on.
        recency: `[B, L]` weights.

    Returns:
        `[B, C, W]` weighted sum of vectors drawn towards zero as `sum / (1 + weight)`, and `[B, C, 1]` log(1 + weight).

    """
    same = (candidate[:, :, None] == history[:, None, :]) & (candidate[:, :, None] > 0)
    weights = tf.cast(same, tf.float32) * recency[:, None, :]
    amount = tf.reduce_sum(weights, axis=-1, keepdims=True)
    return tf.matmul(weights, vectors) / (1.0 + amount), tf.math.log1p(amount)
