"""The fusion model r_uj: user embedding ⊙ item vectors, history, cross layers, heads for click and purchase.

    z_u ─ project ─┐                                   ┌─ click ──────┐
    history ─ encoder ─ by candidate ─┤ ⊙ item ─ cross layers ∥ dense ┤              ├ Platt ─ p_click, p_purchase
    history in the item's category ───┘                └─ conversion ─┘

The purchase head is ESMM's (Ma et al. 2018): `p_purchase = p_click * p_conversion`, learnt over the entire space of
impressions. Position and examination are no inputs: they enter the training loss only.
"""

import keras
import tensorflow as tf

from services.ranker.model.attribution import Evidence, attribute
from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.items import ItemTower, Lookup
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
            self.action = keras.layers.Embedding(ACTION_COUNT, width, embeddings_regularizer=l2, name="action")
            self.age = keras.layers.Dense(width, kernel_regularizer=l2, name="age")
            self.encoder = HistoryEncoder(config)
        self.crosses = [CrossLayer(config.cross_rank, config.l2, name=f"cross_{n}") for n in range(config.cross_layers)]
        self.hidden = [
            keras.layers.Dense(size, "relu", kernel_regularizer=l2, name=f"hidden_{n}")
            for n, size in enumerate(config.hidden)
        ]
        self.drop = keras.layers.Dropout(config.dropout, name="drop")
        self.wide = keras.layers.Dense(2, kernel_regularizer=l2, name="wide")
        self.heads = keras.layers.Dense(2, kernel_regularizer=l2, name="click_and_conversion")
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
        products, facts = self._sizes()
        self.wide.build((None, width + products * width + facts))
        size = products * config.interests + facts
        for cross in self.crosses:
            cross.build((None, size), (None, size))
        for hidden, inner in zip(self.hidden, (size, *config.hidden), strict=False):
            hidden.build((None, inner))
        self.heads.build((None, size + (config.hidden[-1] if config.hidden else size)))
        self.calibration.build()
        self.built = True

    def _sizes(self) -> tuple[int, int]:
        """How many Hadamard products there are, and how many numbers beside them."""
        inputs = self.config.inputs
        products = int(inputs.user_embedding) + (2 + inputs.attributes if inputs.history else 0)
        return products, FEATURE_COUNT + CONTEXT_SIZE * inputs.context + inputs.history

    def call(
        self, inputs: dict[str, tf.Tensor], training: bool = False, lookup: Lookup | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Uncalibrated click and conversion logits, each `[B, C]`.

        `inputs` are the signature's with a leading axis B everywhere but in `new_items`; `candidate_rows` is `[B, C]`
        and `candidate_features` `[B, C, 12]`. With a `lookup` known items are looked up instead of computed.
        """
        return self.logits(self.evidence(inputs, training, lookup), training)

    def evidence(self, inputs: dict[str, tf.Tensor], training: bool = False, lookup: Lookup | None = None) -> Evidence:
        """What the cross and dense layers weigh up; see `Evidence`."""
        candidates, seen = self._items(inputs, training, lookup)
        item = candidates[0]
        products, facts = {}, {"features": inputs["candidate_features"]}
        if self.config.inputs.user_embedding:
            products["user_embedding"] = self._of_user(inputs["user_embedding"], item)
        if self.config.inputs.history:
            by_history, facts["history"] = self._history(inputs, candidates, seen, training)
            products |= {f"history_{number}": each for number, each in enumerate(by_history)}
        if self.config.inputs.context:
            shape = tf.shape(inputs["candidate_rows"])
            facts["context"] = tf.broadcast_to(inputs["context"][:, None, :], [shape[0], shape[1], CONTEXT_SIZE])
        return Evidence(item, products, facts)

    def _of_user(self, embedding: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        return self.user(unit_scale(embedding))[:, None, :] * item

    def unknown(self, evidence: Evidence) -> Evidence:
        """The evidence of the same items for a visitor of whom nothing is known, all features at their means.

        It is what `evidence` answers for zeros and an empty history: an empty history's products are zeros.
        """
        products = {name: tf.zeros_like(product) for name, product in evidence.products.items()}
        if self.config.inputs.user_embedding:
            nobody = tf.zeros([tf.shape(evidence.item)[0], EMBEDDING_SIZE])
            products["user_embedding"] = self._of_user(nobody, evidence.item)
        return Evidence(evidence.item, products, {name: tf.zeros_like(fact) for name, fact in evidence.facts.items()})

    def logits(self, evidence: Evidence, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Uncalibrated click and conversion logits of evidence, each `[B, C]`."""
        products, facts = list(evidence.products.values()), list(evidence.facts.values())
        logits = self.wide(tf.concat([evidence.item, *products, *facts], axis=-1))
        logits += self._interplay(
            tf.concat([*(self._by_interest(each) for each in products), *facts], axis=-1), training
        )
        return logits[:, :, 0], logits[:, :, 1]

    def _by_interest(self, product: tf.Tensor) -> tf.Tensor:
        """`[B, C, W]` Hadamard product → `[B, C, interests]`: an inner product for each group of dimensions."""
        interests = self.config.interests
        size = self.config.width // interests
        shape = tf.shape(product)
        return tf.reduce_sum(tf.reshape(product, [shape[0], shape[1], interests, size]), axis=-1) / size**0.5

    def _interplay(self, first: tf.Tensor, training: bool) -> tf.Tensor:
        """`[B, C, D]` → `[B, C, 2]` logits: cross layers beside dense ones."""
        first = self.drop(first, training=training)
        crossed = deep = first
        for cross in self.crosses:
            crossed = cross(first, crossed)
        for hidden in self.hidden:
            deep = self.drop(hidden(deep), training=training)
        return self.heads(tf.concat([crossed, deep], axis=-1))

    def _items(self, inputs: dict[str, tf.Tensor], training: bool, lookup: Lookup | None) -> tuple[Vectors, Vectors]:
        """Vectors and categories of the candidates and of the history."""
        both, new_items = (inputs["candidate_rows"], inputs["history_rows"]), inputs["new_items"]
        if lookup is not None:
            candidates, seen = (self.items.looked_up(rows, new_items, lookup) for rows in both)
            return candidates, seen
        # A batch names few items many times: each is projected once.
        distinct, places = tf.unique(tf.concat([tf.reshape(rows, [-1]) for rows in both], axis=0))
        vectors, categories = self.items(distinct[None], new_items, training=training)
        sizes = [tf.size(rows) for rows in both]
        candidates, seen = (
            (
                tf.gather(vectors[0], tf.reshape(place, tf.shape(rows))),
                tf.gather(categories[0], tf.reshape(place, tf.shape(rows))),
            )
            for place, rows in zip(tf.split(places, sizes), both, strict=True)
        )
        return candidates, seen

    def _history(
        self, inputs: dict[str, tf.Tensor], candidates: Vectors, history: Vectors, training: bool
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Hadamard products of the candidates with what the history says, and the interest in their categories."""
        (item, category), (seen, seen_category) = candidates, history
        valid, age = inputs["history_rows"] >= 0, inputs["history_age_days"]
        steps = seen + self.action(inputs["history_actions"]) + self.age(_age_features(age))
        states = self.encoder(tf.where(valid[:, :, None], steps, 0.0), valid, training=training)
        real = tf.cast(valid, tf.float32)
        mean = tf.reduce_sum(states, axis=1) / (1.0 + tf.reduce_sum(real, axis=1, keepdims=True))
        products = [mean[:, None, :] * item, attend(item, states, valid) * item]
        recency = tf.exp(-age / _INTEREST_DAYS) * real
        interest, amount = interest_in_category(category, tf.where(valid, seen_category, 0), seen, recency)
        if self.config.inputs.attributes:
            products.append(interest * item)
        return products, amount if self.config.inputs.attributes else tf.zeros_like(amount)

    def probabilities(self, inputs: dict[str, tf.Tensor], lookup: Lookup | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Calibrated P(click | examined) and P(click and purchase | examined), each `[B, C]`."""
        click, conversion = self.calibration(*self(inputs, training=False, lookup=lookup))
        clicked = tf.sigmoid(click)
        return clicked, clicked * tf.sigmoid(conversion)

    def freeze(self) -> None:
        """Prepares `serve` for the weights as they are now."""
        self.items.freeze()

    @property
    def stored(self) -> Lookup | None:
        """Where serving looks known items up; None when their vectors are computed at each request."""
        return self.items.stored if self.config.precomputed else None

    def serve(self, inputs: dict[str, tf.Tensor], lookup: Lookup | None = None) -> dict[str, tf.Tensor]:
        """The signature `serving_default`: one user, n candidates. Freeze first.

        `lookup` stands in for the vectors that `freeze` made, such as a smaller copy of them.
        """
        click, purchase = self.probabilities(one_request(inputs), lookup or self.stored)
        return {CLICK: click[0], PURCHASE: purchase[0]}

    def explain(self, inputs: dict[str, tf.Tensor], lookup: Lookup | None = None) -> dict[str, tf.Tensor]:
        """The signature `explain`: what each group of inputs adds to a click's log-odds. Freeze first."""
        evidence = self.evidence(one_request(inputs), lookup=lookup or self.stored)
        return attribute(evidence, self.unknown(evidence), self._click_log_odds)

    def _click_log_odds(self, evidence: Evidence) -> tf.Tensor:
        return self.calibration(*self.logits(evidence))[0]


def build_fusion(table: ItemTable, config: FusionConfig) -> FusionModel:
    """A fusion model with all its weights made."""
    model = FusionModel(table, config)
    model.build()
    return model


def one_request(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The signature's tensors as a batch of one request."""
    batched = dict(inputs)
    batched["candidate_rows"] = inputs["candidate_rows"][None]
    batched["candidate_features"] = inputs["candidate_features"][None]
    return batched


def unit_scale(vectors: tf.Tensor) -> tf.Tensor:
    """Vectors rescaled so that their components are about 1, which trains well; zeros stay zeros."""
    length = tf.norm(vectors, axis=-1, keepdims=True)
    return vectors * (vectors.shape[-1] ** 0.5) / (length + 1e-3)


def _age_features(age_days: tf.Tensor) -> tf.Tensor:
    """`[B, L]` → `[B, L, 4]`: how long ago on the scales of an hour, a day, a week and a month."""
    return tf.exp(-age_days[:, :, None] / tf.constant(_AGE_SCALES_DAYS))
