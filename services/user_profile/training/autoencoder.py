"""Trains the user autoencoder: plain, denoising or variational, and hands its encoder over to the release.

Sources: Liang et al., "Variational Autoencoders for Collaborative Filtering" (WWW 2018): multinomial likelihood, input
dropout, annealed KL weight; Shenbin et al., "RecVAE" (WSDM 2020): composite prior.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.user_profile.model.encoder import EMBEDDING_SIZE, Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.training.fold_in import FoldIn, fold_in, ndcg
from services.user_profile.training.losses import (
    composite_log_prior,
    gaussian_kl,
    gaussian_log_density,
    multinomial_loss,
    squared_loss,
)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class AutoencoderConfig:
    """What is trained, and how."""

    kind: Literal["autoencoder", "denoising", "variational"] = "variational"
    """Plain, with input dropout, or with a Gaussian code besides."""
    likelihood: Literal["multinomial", "squared"] = "multinomial"
    """-sum x log softmax(x_hat), or 1/2 sum (x_hat - x)^2."""
    prior: Literal["standard", "composite"] = "standard"
    """Of the variational code: N(0, 1), or RecVAE's mixture with last epoch's posterior and a wide Gaussian."""
    hidden: int = 192
    """Units between items and code, in the encoder."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Between the encoder's layers."""
    input_dropout: float = 0.5
    """Share of a user's items hidden from the encoder; ignored by the plain autoencoder."""
    kl_weight: float = 0.2
    """Largest weight of the divergence from the prior (beta of Liang et al.), reached after a third of the epochs."""
    l2: float = 1e-5
    """Weight of the squared norm of all kernels."""
    learning_rate: float = 2e-3
    """Of Adam."""
    batch_size: int = 256
    """Users a step."""
    epochs: int = 60
    """At most so many passes."""
    patience: int = 8
    """Stops after so many passes without a better held-out NDCG@100; the best weights are kept."""
    held_out_share: float = 0.1
    """Share of the users, at most 500, that nothing is fitted on."""
    seed: int = 11
    """Of the split, the initial weights, the shuffling and all noise."""


@dataclass(frozen=True)
class TrainedAutoencoder:
    """What training made."""

    encoder: Encoder
    metrics: dict[str, float]
    """NDCG@100, Recall@20 and Recall@50 of held-out users, NDCG@100 of as many training users, and the gap."""
    scores: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """`[n, items]` dense inputs → `[n, items]` scores of the whole autoencoder; for evaluation."""


def train_autoencoder(
    users: Sequence[InteractionVector],
    item_count: int,
    weighting: Weighting,
    config: AutoencoderConfig | None = None,
    progress: Progress | None = None,
) -> TrainedAutoencoder:
    """Train on the users' interaction vectors.

    Raises: ValueError with fewer than 10 users, of which nothing can be held out.
    """
    config = config or AutoencoderConfig()
    if len(users) < 10:
        raise ValueError(f"an autoencoder needs at least 10 users with events, not {len(users)}")
    keras.utils.set_random_seed(config.seed)
    random = np.random.default_rng(config.seed)
    matrix = as_matrix(users, item_count)
    held_out = np.zeros(len(users), np.bool_)
    held_out[random.permutation(len(users))[: min(max(int(len(users) * config.held_out_share), 2), 500)]] = True
    fit = matrix[~held_out]
    unseen = fold_in(matrix[held_out], random)
    seen = fold_in(fit[: int(held_out.sum())], random)
    network = _Network(item_count, config)
    network.run(fit, unseen, random, progress or (lambda *_: None))
    metrics = {f"held_out.{name}": value for name, value in _figures(network, unseen).items()}
    metrics["train.ndcg_at_100"] = ndcg(network.scores(seen.given), seen, 100)
    metrics["gap.ndcg_at_100"] = metrics["train.ndcg_at_100"] - metrics["held_out.ndcg_at_100"]
    return TrainedAutoencoder(network.encoder(weighting), metrics, network.scores)


def as_matrix(users: Sequence[InteractionVector], item_count: int) -> csr_matrix:
    """`[users, items]` sparse matrix of the users' weights."""
    lengths = np.array([len(user) for user in users])
    rows = np.concatenate([user.rows for user in users]) if len(users) else np.zeros(0, np.int32)
    weights = np.concatenate([user.weights for user in users]) if len(users) else np.zeros(0, np.float32)
    return csr_matrix((weights, rows, np.concatenate([[0], lengths.cumsum()])), shape=(len(users), item_count))


class _Network:
    """Encoder and decoder with their training loop."""

    def __init__(self, item_count: int, config: AutoencoderConfig) -> None:
        self.config = config
        l2 = keras.regularizers.L2(config.l2)
        self.first = keras.layers.Dense(config.hidden, activation=config.activation, kernel_regularizer=l2)
        self.code = keras.layers.Dense(EMBEDDING_SIZE, kernel_regularizer=l2)
        self.spread = keras.layers.Dense(EMBEDDING_SIZE, kernel_initializer="zeros", bias_initializer="zeros")
        self.decode = keras.layers.Dense(item_count, kernel_regularizer=l2)
        self.first.build((None, item_count))
        for layer in (self.code, self.spread):
            layer.build((None, config.hidden))
        self.decode.build((None, EMBEDDING_SIZE))
        self._layers = (self.first, self.code, self.spread, self.decode)
        self._old = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in self._encoder_weights()]
        self._optimizer = keras.optimizers.Adam(config.learning_rate)
        trained = self._layers if config.kind == "variational" else (self.first, self.code, self.decode)
        self._variables = [weight for layer in trained for weight in layer.trainable_variables]
        self._optimizer.build(self._variables)
        self._step = tf.function(self._gradient_step)
        self._score = tf.function(lambda inputs: self.decode(self.code(self.first(inputs))))

    def run(self, fit: csr_matrix, unseen: FoldIn, random: np.random.Generator, progress: Progress) -> None:
        """Pass over the users until held-out NDCG@100 stops rising; keep the best weights."""
        best, best_weights, worse = -1.0, self._weights(), 0
        for epoch in range(self.config.epochs):
            weight = self.config.kl_weight * min(3.0 * (epoch + 1) / self.config.epochs, 1.0)
            for old, new in zip(self._old, self._encoder_weights(), strict=True):
                old.assign(new)
            for users in _parts(random.permutation(fit.shape[0]), self.config.batch_size):
                self._step(tf.constant(fit[users].toarray()), tf.constant(weight, tf.float32))
            reached = ndcg(self.scores(unseen.given), unseen, 100)
            progress(f"user autoencoder, held-out NDCG@100 {reached:.3f}", epoch + 1, self.config.epochs)
            if reached > best + 1e-4:
                best, best_weights, worse = reached, self._weights(), 0
            else:
                worse += 1
                if worse >= self.config.patience:
                    break
        self._restore(best_weights)

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """`[n, items]` what the decoder says of each item, the code at its mean."""
        parts = [self._score(tf.constant(part)).numpy() for part in _parts(inputs, 512)]
        return np.concatenate(parts)

    def encoder(self, weighting: Weighting) -> Encoder:
        """The encoder for the release: the code's mean."""
        layers = [
            tuple(np.asarray(weight, np.float32) for weight in layer.get_weights()) for layer in (self.first, self.code)
        ]
        kind = f"{self.config.kind}, {self.config.likelihood}"
        return Encoder([(kernel, bias) for kernel, bias in layers], self.config.activation, kind, weighting)

    def _gradient_step(self, inputs: tf.Tensor, kl_weight: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = self._loss(inputs, kl_weight) + tf.add_n([loss for layer in self._layers for loss in layer.losses])
        self._optimizer.apply_gradients(zip(tape.gradient(loss, self._variables), self._variables, strict=True))

    def _loss(self, inputs: tf.Tensor, kl_weight: tf.Tensor) -> tf.Tensor:
        config = self.config
        shown = inputs if config.kind == "autoencoder" else tf.nn.dropout(inputs, config.input_dropout)
        hidden = self.first(shown)
        mean, divergence = self.code(hidden), 0.0
        code = mean
        if config.kind == "variational":
            log_variance = self.spread(hidden)
            code = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
            divergence = kl_weight * tf.reduce_mean(self._divergence(shown, code, mean, log_variance))
        decoded = self.decode(code)
        if config.likelihood == "multinomial":
            return tf.reduce_mean(multinomial_loss(tf.cast(inputs > 0, tf.float32), decoded)) + divergence
        return tf.reduce_mean(squared_loss(inputs, decoded)) + divergence

    def _divergence(self, shown: tf.Tensor, code: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
        """`[n]` of the code's posterior from its prior."""
        if self.config.prior == "standard":
            return gaussian_kl(mean, log_variance)
        first, first_bias, kernel, bias, spread, spread_bias = self._old
        hidden = keras.activations.get(self.config.activation)(shown @ first + first_bias)
        old_mean, old_log_variance = hidden @ kernel + bias, hidden @ spread + spread_bias
        prior = composite_log_prior(code, old_mean, old_log_variance)
        return gaussian_log_density(code, mean, log_variance) - prior

    def _encoder_weights(self) -> list[tf.Variable]:
        return [weight for layer in (self.first, self.code, self.spread) for weight in layer.trainable_variables]

    def _weights(self) -> list[list[NDArray[np.float32]]]:
        return [layer.get_weights() for layer in self._layers]

    def _restore(self, weights: list[list[NDArray[np.float32]]]) -> None:
        for layer, kept in zip(self._layers, weights, strict=True):
            layer.set_weights(kept)


def _figures(network: _Network, unseen: FoldIn) -> dict[str, float]:
    scores = network.scores(unseen.given)
    return {
        "ndcg_at_100": ndcg(scores, unseen, 100),
        "recall_at_20": unseen.recall(scores, 20),
        "recall_at_50": unseen.recall(scores, 50),
    }


def _parts(rows: NDArray, size: int) -> list[NDArray]:  # type: ignore[type-arg]
    return [rows[start : start + size] for start in range(0, len(rows), size)]
