"""The fusion model r_uj: user embedding ⊙ item vectors, history, cross layers, heads for click and purchase.

    z_u ─ project ─┐                                   ┌─ click ──────┐
    history ─ encoder ─ by candidate ─┤ ⊙ item ─ cross layers ∥ dense ┤              ├ Platt ─ p_click, p_purchase
    history in the item's category ───┘                └─ conversion ─┘

The purchase head is ESMM's (Ma et al. 2018): `p_purchase = p_click * p_conversion`, learnt over the entire space of
impressions. Position and examination are no inputs: they enter the training loss only.
"""

import keras
import tensorflow as tf

from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.items import ItemTower
from services.ranker.model.layers import (
    Calibration,
    CrossLayer,
    HistoryEncoder,
    attend,
    interest_in_category,
)
from services.ranker.model.signature import (
    ACTION_COUNT,
    CLICK,
    CONTEXT_SIZE,
    EMBEDDING_SIZE,
    FEATURE_COUNT,
    HISTORY_LENGTH,
    PURCHASE,
)

Vectors = tuple[tf.Tensor, tf.Tensor]
"""`[B, N, W]` item vectors and `[B, N]` category codes."""

_INTEREST_DAYS = 30.0
_AGE_SCALES_DAYS = (1.0 / 24.0, 1.0, 7.0, 30.0)


class FusionModel(keras.Model):  # type: ignore[misc]  # keras has no types
    """Scores candidates for requests; see the module's drawing. Tensors are those of `signature.py`."""

    def __init__(self, table: ItemTable, config: FusionConfig) -> None:
        super().__init__(name="fusion")
        keras.utils.set_random_seed(config.seed)
        self.config, width = config, config.width
        l2 = keras.regularizers.L2(config.l2)
        self.items = ItemTower(table, config)
        if config.inputs.user_embedding:
            self.user = keras.layers.Dense(width, kernel_regularizer=l2, name="user")
        if config.inputs.history:
            self.action = keras.layers.Embedding(ACTION_COUNT, width, name="action")
            self.age = keras.layers.Dense(width, name="age")
            self.encoder = HistoryEncoder(config.history_encoder, width, config.heads, config.blocks, config.dropout)
        self.crosses = [CrossLayer(config.cross_rank, config.l2, name=f"cross_{n}") for n in range(config.cross_layers)]
        self.hidden = [
            keras.layers.Dense(size, "relu", kernel_regularizer=l2, name=f"hidden_{n}")
            for n, size in enumerate(config.hidden)
        ]
        self.drop = keras.layers.Dropout(config.dropout, name="drop")
        self.heads = keras.layers.Dense(2, name="click_and_conversion")
        self.calibration = Calibration(name="calibration")

    def build(self, _: object = None) -> None:
        """Makes every weight; sizes follow from the configuration alone."""
        config, width = self.config, self.config.width
        self.items.build()
        if config.inputs.user_embedding:
            self.user.build((None, EMBEDDING_SIZE))
        if config.inputs.history:
            self.action.build()
            self.age.build((None, HISTORY_LENGTH, len(_AGE_SCALES_DAYS)))
            self.encoder.build((None, HISTORY_LENGTH, width))
        size = self._joined_size()
        for cross in self.crosses:
            cross.build((None, size), (None, size))
        for hidden, inner in zip(self.hidden, (size, *config.hidden), strict=False):
            hidden.build((None, inner))
        self.heads.build((None, size + (*config.hidden, size)[len(config.hidden) - 1]))
        self.calibration.build()
        self.built = True

    def _joined_size(self) -> int:
        inputs, width = self.config.inputs, self.config.width
        size = width + FEATURE_COUNT
        size += width * inputs.user_embedding + CONTEXT_SIZE * inputs.context
        if inputs.history:
            size += 2 * width + (width + 1) * inputs.attributes
        return size

    def call(
        self, inputs: dict[str, tf.Tensor], training: bool = False, frozen: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Uncalibrated click and conversion logits, each `[B, C]`.

        `inputs` are the signature's with a leading axis B everywhere but in `new_items`; `candidate_rows` is `[B, C]`
        and `candidate_features` `[B, C, 12]`. `frozen` looks known items up instead of computing them (after `freeze`).
        """
        candidates, seen = self._items(inputs, training, frozen)
        item = candidates[0]
        parts = [item, inputs["candidate_features"]]
        if self.config.inputs.user_embedding:
            parts.append(self.user(inputs["user_embedding"])[:, None, :] * item)
        if self.config.inputs.history:
            parts.extend(self._history(inputs, candidates, seen, training))
        if self.config.inputs.context:
            shape = tf.shape(inputs["candidate_rows"])
            context = tf.broadcast_to(inputs["context"][:, None, :], [shape[0], shape[1], CONTEXT_SIZE])
            parts.append(context)
        first = tf.concat(parts, axis=-1)
        crossed = first
        for cross in self.crosses:
            crossed = cross(first, crossed)
        deep = first
        for hidden in self.hidden:
            deep = self.drop(hidden(deep), training=training)
        logits = self.heads(tf.concat([crossed, deep], axis=-1))
        return logits[:, :, 0], logits[:, :, 1]

    def _items(self, inputs: dict[str, tf.Tensor], training: bool, frozen: bool) -> tuple[Vectors, Vectors]:
        """Vectors and categories of the candidates and of the history."""
        both = (inputs["candidate_rows"], inputs["history_rows"])
        if frozen:
            candidates, seen = (self.items.frozen(rows, inputs["new_items"]) for rows in both)
        else:
            candidates, seen = (self.items(rows, inputs["new_items"], training=training) for rows in both)
        return candidates, seen

    def _history(
        self, inputs: dict[str, tf.Tensor], candidates: Vectors, history: Vectors, training: bool
    ) -> list[tf.Tensor]:
        (item, category), (seen, seen_category) = candidates, history
        valid, age = inputs["history_rows"] >= 0, inputs["history_age_days"]
        steps = seen + self.action(inputs["history_actions"]) + self.age(_age_features(age))
        states = self.encoder(tf.where(valid[:, :, None], steps, 0.0), valid, training=training)
        real = tf.cast(valid, tf.float32)
        mean = tf.reduce_sum(states, axis=1) / (1.0 + tf.reduce_sum(real, axis=1, keepdims=True))
        parts = [mean[:, None, :] * item, attend(item, states, valid) * item]
        if self.config.inputs.attributes:
            recency = tf.exp(-age / _INTEREST_DAYS) * real
            interest, amount = interest_in_category(category, tf.where(valid, seen_category, 0), seen, recency)
            parts.extend([interest * item, amount])
        return parts

    def probabilities(self, inputs: dict[str, tf.Tensor], frozen: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Calibrated P(click | examined) and P(click and purchase | examined), each `[B, C]`."""
        click, conversion = self.calibration(*self(inputs, training=False, frozen=frozen))
        clicked = tf.sigmoid(click)
        return clicked, clicked * tf.sigmoid(conversion)

    def freeze(self) -> None:
        """Prepares `serve` for the weights as they are now."""
        self.items.freeze()

    def serve(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The signature `serving_default`: one user, n candidates. Freeze first."""
        batched = dict(inputs)
        batched["candidate_rows"] = inputs["candidate_rows"][None]
        batched["candidate_features"] = inputs["candidate_features"][None]
        click, purchase = self.probabilities(batched, frozen=True)
        return {CLICK: click[0], PURCHASE: purchase[0]}


def build_fusion(table: ItemTable, config: FusionConfig) -> FusionModel:
    """A fusion model with all its weights made."""
    model = FusionModel(table, config)
    model.build()
    return model


def _age_features(age_days: tf.Tensor) -> tf.Tensor:
    """`[B, L]` → `[B, L, 4]`: how long ago on the scales of an hour, a day, a week and a month."""
    return tf.exp(-age_days[:, :, None] / tf.constant(_AGE_SCALES_DAYS))
