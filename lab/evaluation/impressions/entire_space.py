"""A TensorFlow model of click and purchase on the entire space (ESMM, Ma et al. 2018), with embeddings and crosses.

Users, items and every column have an embedding each and a weight each; their pairs meet in a factorisation machine
(Rendle 2010), everything in a small network. It begins as the logistic regression on the statistics, to whose logits it
adds, so that it has to learn only what that one misses. Examination of a place is a factor of its own, learnt beside
the rest and begun with the position-based model's curve.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lab.evaluation.impressions.candidate import Length, Lesson, Logits, Trained, mean_log_loss
from lab.evaluation.impressions.encoding import Encoded
from lab.evaluation.impressions.ratios import Numbers, logit, sigmoid
from lab.evaluation.impressions.seen_logistic import SeenLogistic, fit_logistic
from lab.evaluation.impressions.statistics import Features
from services.ranker.training.losses import entire_space_loss

_CHUNK = 8_192


@dataclass(frozen=True)
class EntireSpaceConfig:
    """Sizes and how to learn; chosen on the boutique's earlier weeks."""

    width: int = 8
    """Of each embedding."""
    hidden: tuple[int, ...] = (64, 32)
    """Units of the network."""
    dropout: float = 0.5
    embedding_penalty: float = 0.2
    """Times the mean squared length of a row's embeddings and weights."""
    learning_rate: float = 3e-4
    """Of Adam."""
    learning_rate_decay: float = 0.7
    """Factor after each pass."""
    epochs: int = 8
    """At most so many passes."""
    patience: int = 2
    """Ends after so many passes without a better loss on later impressions."""
    least_rows: int = 3
    """Values of fewer impressions share one embedding, which values that are new take too."""
    forgetting: float = 0.05
    """Share of the values that are taken for new ones while learning, so that those are learnt."""


@dataclass(frozen=True)
class _Inputs:
    """What the network reads; `[N, …]`."""

    codes: NDArray[np.int32]
    """`[N, F]` rows of one embedding table."""
    numbers: NDArray[np.float32]
    places: NDArray[np.int32]
    given: NDArray[np.float32]
    """`[N, 2]` the logistic regression's logits of click (if seen) and purchase (if clicked)."""

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """Some of the rows, in the network's order."""
        return self.codes[rows], self.numbers[rows], self.places[rows], self.given[rows]


@dataclass(frozen=True)
class _Preparation:
    """How features become inputs: what is frequent enough for an embedding, and how numbers are scaled."""

    rows_of_code: tuple[NDArray[np.int32], ...]
    """For each column: code + 1 → row of the table."""
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    table_rows: int
    places: int
    beneath: SeenLogistic

    def inputs(self, features: Features) -> _Inputs:
        """Of any rows."""
        codes = [
            rows[np.where(code + 1 < len(rows), code + 1, 0)]
            for rows, code in zip(self.rows_of_code, features.encoded.codes.values(), strict=True)
        ]
        numbers = np.clip((features.matrix() - self.centre) / self.scale, -5.0, 5.0)
        places = np.minimum(features.encoded.places, self.places - 1).astype(np.int32)
        given = np.column_stack(self.beneath.seen_logits(features)).astype(np.float32)
        return _Inputs(np.column_stack(codes), np.nan_to_num(numbers, nan=0.0), places, given)


@dataclass(frozen=True)
class EntireSpace:
    """The trained network, in double precision, so that batching does not show in the answers."""

    ask: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    preparation: _Preparation

    def logits(self, features: Features) -> Logits:
        """Of click at the position and of purchase among clicks."""
        return _answers(self.ask, self.preparation.inputs(features))


def train_entire_space(lesson: Lesson, config: EntireSpaceConfig | None = None) -> Trained:
    """Learn by Adam until later impressions are not predicted better, or for the length that is asked for."""
    config = config or EntireSpaceConfig()
    keras.utils.set_random_seed(lesson.seed)
    preparation = _prepare(lesson, config)
    learner = _Learner(lesson, config, preparation)
    epochs = learner.run()
    network = build(preparation, config, "float64")
    network.set_weights(learner.weights)
    return Trained(EntireSpace(_asking(network), preparation), Length(epochs, epochs))


def _prepare(lesson: Lesson, config: EntireSpaceConfig) -> _Preparation:
    features = lesson.features
    tables, first = [], 0
    for code in features.encoded.codes.values():
        rows = np.bincount(code + 1)
        known = np.flatnonzero(rows[1:] >= config.least_rows) + 1
        table = np.full(len(rows), first, np.int32)
        table[known] = first + 1 + np.arange(len(known), dtype=np.int32)
        tables.append(table)
        first += 1 + len(known)
    centre, scale = _centre_and_scale(features.matrix())
    places = int(features.encoded.places.max(initial=0)) + 1
    return _Preparation(tuple(tables), centre, scale, first, places, fit_logistic(lesson))


def _centre_and_scale(matrix: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and deviations of columns, missing values left out."""
    known = np.isfinite(matrix)
    rows = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, matrix, 0.0).sum(axis=0, dtype=np.float64) / rows
    spread = np.where(known, matrix - centre, 0.0)
    scale = np.sqrt(np.square(spread).sum(axis=0) / rows)
    return centre.astype(np.float32), np.where(scale > 1e-6, scale, 1.0).astype(np.float32)


def build(preparation: _Preparation, config: EntireSpaceConfig, dtype: str) -> keras.Model:
    """The network: `codes, numbers, places, given` to three outputs.

    `[B, 2]` logits of click (if seen) and purchase (if clicked), `[B]` P(examined), and `[B]` the squared length of
    what the row looked up.
    """
    columns, numbers = len(preparation.rows_of_code), len(preparation.centre)
    codes = keras.Input((columns,), dtype="int32", name="codes")
    amounts = keras.Input((numbers,), dtype=dtype, name="numbers")
    places = keras.Input((), dtype="int32", name="places")
    given = keras.Input((2,), dtype=dtype, name="given")
    small = keras.initializers.RandomNormal(stddev=0.05, seed=1)
    embedded = keras.layers.Embedding(preparation.table_rows, config.width, small, dtype=dtype, name="vectors")(codes)
    weights = keras.layers.Embedding(preparation.table_rows, 2, "zeros", dtype=dtype, name="weights")(codes)
    total = keras.ops.sum(embedded, axis=1)
    pairs = 0.5 * (keras.ops.square(total) - keras.ops.sum(keras.ops.square(embedded), axis=1))
    hidden = keras.ops.concatenate([keras.ops.reshape(embedded, (-1, columns * config.width)), pairs, amounts], axis=1)
    for units in config.hidden:
        hidden = keras.layers.Dense(units, "relu", dtype=dtype)(hidden)
        hidden = keras.layers.Dropout(config.dropout, dtype=dtype)(hidden)
    added = keras.layers.Dense(2, kernel_initializer="zeros", dtype=dtype, name="added")(
        keras.ops.concatenate([hidden, pairs], axis=1)
    )
    seen = given + added + keras.ops.sum(weights, axis=1)
    looks = keras.layers.Embedding(preparation.places, 1, "zeros", dtype=dtype, name="places_seen")(places)
    squared = keras.ops.sum(keras.ops.square(embedded), axis=(1, 2)) + keras.ops.sum(
        keras.ops.square(weights), axis=(1, 2)
    )
    return keras.Model([codes, amounts, places, given], [seen, keras.ops.sigmoid(looks[:, 0]), squared])


class _Learner:
    """The loop: one optimiser, one compiled step, the best weights so far."""

    def __init__(self, lesson: Lesson, config: EntireSpaceConfig, preparation: _Preparation) -> None:
        self._lesson, self._config, self._preparation = lesson, config, preparation
        self._inputs = preparation.inputs(lesson.features)
        self._later = None if lesson.later is None else preparation.inputs(lesson.later)
        self._network = build(preparation, config, "float32")
        self._ask = _asking(self._network)
        _begin(self._network, lesson)
        self._optimizer = keras.optimizers.Adam(config.learning_rate)
        self._optimizer.build(self._network.trainable_variables)
        self._step = tf.function(self._gradient_step, reduce_retracing=True)
        self._random = np.random.default_rng(lesson.seed)
        self.weights: list[NDArray[Any]] = self._network.get_weights()

    def run(self) -> int:
        """Passes over the data; how many of them the kept weights have seen."""
        wanted = None if self._lesson.length is None else self._lesson.length.click
        # The beginning, which is the logistic regression, is kept where learning does not better it.
        best, best_epoch = self._later_loss(), 0
        total = self._config.epochs if wanted is None else wanted
        for epoch in range(total):
            self._optimizer.learning_rate = self._config.learning_rate * self._config.learning_rate_decay**epoch
            self._pass()
            loss = self._later_loss()
            self._lesson.progress("entire space", epoch + 1, total)
            if wanted is not None or loss < best:
                best, best_epoch, self.weights = loss, epoch + 1, self._network.get_weights()
            elif epoch + 1 - best_epoch >= self._config.patience:
                self._lesson.progress("entire space", total, total)
                break
        return best_epoch

    def _pass(self) -> None:
        rows = len(self._inputs.places)
        size = int(np.clip(rows // 300, 128, 4_096))
        order = self._random.permutation(rows)
        padded = np.concatenate([order, order[: -rows % size]])
        for batch in padded.reshape(-1, size) if len(padded) % size == 0 else [order]:
            self._step(*self._batch(batch))

    def _batch(self, rows: NDArray[np.int64]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        codes, *others = self._inputs.take(rows)
        forgotten = self._random.random(codes.shape, np.float32) < self._config.forgetting
        unknown = np.array([table[0] for table in self._preparation.rows_of_code], np.int32)
        encoded: Encoded = self._lesson.features.encoded
        labels = {
            "clicked": encoded.clicked[rows].astype(np.float32),
            "purchased": encoded.purchased[rows].astype(np.float32),
            "weight": np.ones(len(rows), np.float32),
        }
        return (np.where(forgotten, unknown, codes), *others), labels

    def _gradient_step(self, inputs: tuple[tf.Tensor, ...], labels: dict[str, tf.Tensor]) -> None:
        with tf.GradientTape() as tape:
            seen, examination, squared = self._network(list(inputs), training=True)
            loss = entire_space_loss((seen[:, 0], seen[:, 1]), {**labels, "examination": examination})
            loss += self._config.embedding_penalty * self._lesson.seen_rate * tf.reduce_mean(squared)
        variables = self._network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def _later_loss(self) -> float:
        if self._later is None or self._lesson.later is None:
            return 0.0
        encoded, found = self._lesson.later.encoded, _answers(self._ask, self._later)
        return mean_log_loss(found.click, encoded.clicked) + mean_log_loss(logit(found.purchase()), encoded.purchased)


def _begin(network: keras.Model, lesson: Lesson) -> None:
    """Start at the position-based model's curve."""
    layer = network.get_layer("places_seen")
    looks = np.ones(layer.embeddings.shape[0])
    looks[lesson.features.encoded.places] = lesson.features.examination
    layer.embeddings.assign(logit(np.clip(looks, 0.01, 0.98))[:, None])


def _asking(network: keras.Model) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """The network as one compiled function."""
    compiled: Callable[..., tuple[tf.Tensor, tf.Tensor]] = tf.function(
        lambda *inputs: tuple(network(list(inputs), training=False)[:2]), reduce_retracing=True
    )
    return compiled


def _answers(ask: Callable[..., tuple[tf.Tensor, tf.Tensor]], inputs: _Inputs) -> Logits:
    """In pieces of one size, the last one padded."""
    clicks, buys = [], []
    rows = len(inputs.places)
    for start in range(0, rows, _CHUNK):
        piece = np.minimum(np.arange(start, start + _CHUNK), rows - 1)
        seen, examination = ask(*inputs.take(piece))
        kept = slice(0, min(_CHUNK, rows - start))
        seen, looked = np.asarray(seen, np.float64)[kept], np.asarray(examination, np.float64)[kept]
        clicks.append(logit(looked * sigmoid(seen[:, 0])))
        buys.append(seen[:, 1])
    return Logits(_joined(clicks), _joined(buys))


def _joined(parts: list[Numbers]) -> Numbers:
    return np.concatenate(parts) if parts else np.zeros(0)
