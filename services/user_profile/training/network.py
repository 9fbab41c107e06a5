"""The autoencoder's architecture in Keras and its loss."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops
from numpy.typing import NDArray

from services.user_profile.model.encoder import EMBEDDING_SIZE, Layer
from services.user_profile.training import losses
from services.user_profile.training.configuration import AutoencoderConfig

ACTIVATION = "tanh"


class Autoencoder(keras.Model):  # type: ignore[misc]  # the package has no types
    """Items to z `[users, 64]` and back to scores `[users, items]`."""

    def __init__(self, item_count: int, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.item_count = item_count
        self.encoder_layers = [layers.Dense(size, activation=ACTIVATION) for size in config.hidden]
        self.mean_layer = layers.Dense(EMBEDDING_SIZE)
        # Nothing but the variational loss depends on it.
        variational = config.kind == "variational"
        self.log_variance_layer = layers.Dense(EMBEDDING_SIZE, kernel_initializer="zeros", trainable=variational)
        self.decoder_layers = [layers.Dense(size, activation=ACTIVATION) for size in reversed(config.hidden)]
        self.scores_layer = layers.Dense(item_count)
        self.unit_dropout = layers.Dropout(config.unit_dropout, seed=config.seed)
        self.noise_seed = keras.random.SeedGenerator(config.seed)
        self(np.zeros((1, item_count), np.float32))

    def encode(self, inputs: KerasTensor, *, training: bool = False) -> tuple[KerasTensor, KerasTensor]:
        """Mean and log variance of z. Others than the variational one use the mean only."""
        values = inputs
        for layer in self.encoder_layers:
            values = self.unit_dropout(layer(values), training=training)
        return self.mean_layer(values), self.log_variance_layer(values)

    def decode(self, z: KerasTensor, *, training: bool = False) -> KerasTensor:
        """Scores `[users, items]`."""
        values = z
        for layer in self.decoder_layers:
            values = self.unit_dropout(layer(values), training=training)
        return self.scores_layer(values)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Scores from the mean of z, as when serving."""
        return self.decode(self.encode(inputs)[0])

    def training_loss(
        self, inputs: KerasTensor, targets: KerasTensor, old_posterior: tuple[Any, Any], warmed_up: KerasTensor
    ) -> KerasTensor:
        """The loss of one batch. `warmed_up` is the share of beta or gamma that the warm-up has reached."""
        mean, log_variance = self.encode(inputs, training=True)
        variational = self.config.kind == "variational"
        sample = mean
        if variational:
            noise = keras.random.normal(ops.shape(mean), seed=self.noise_seed)
            sample = mean + ops.exp(0.5 * log_variance) * noise
        scores = self.decode(sample, training=True)
        loss = getattr(losses, self.config.reconstruction)(scores, targets) + self.config.l2 * self._squared_norm()
        if not variational:
            return loss
        if self.config.prior == "normal":
            return loss + self.config.beta * warmed_up * losses.normal_divergence(mean, log_variance)
        item_counts = ops.sum(ops.cast(targets > 0, "float32"), axis=1)
        weights = self.config.gamma * warmed_up * item_counts
        return loss + losses.composite_divergence(sample, (mean, log_variance), old_posterior, weights)

    def begin_with(self, popularity: NDArray[np.float32], user_count: int) -> None:
        """Start from `[items]` how many of the users have each item, so that only tastes are left to learn: with few
        users there are too few steps for the scores to get there.
        """
        if self.config.reconstruction == "multinomial":
            scores = np.log((popularity + 0.5) / np.sum(popularity + 0.5))
        else:
            scores = popularity / user_count
        kernel, _ = self.scores_layer.get_weights()
        self.scores_layer.set_weights([kernel, scores.astype(np.float32)])

    def rescale(self, factor: float) -> None:
        """Multiply z by a factor without changing the scores."""
        kernel, bias = self.mean_layer.get_weights()
        self.mean_layer.set_weights([kernel * factor, bias * factor])
        following = (self.decoder_layers or [self.scores_layer])[0]
        kernel, bias = following.get_weights()
        following.set_weights([kernel / factor, bias])

    def encoder_arrays(self) -> list[Layer]:
        """Kernels and biases from items to the mean of z."""
        return [tuple(layer.get_weights()) for layer in (*self.encoder_layers, self.mean_layer)]

    def halves(self) -> tuple[list[Any], list[Any]]:
        """The weights that are learnt of the encoder, and those of the decoder."""
        encoder = (*self.encoder_layers, self.mean_layer, self.log_variance_layer)
        decoder = (*self.decoder_layers, self.scores_layer)
        return [each for layer in encoder for each in layer.trainable_weights], [
            each for layer in decoder for each in layer.trainable_weights
        ]

    def _squared_norm(self) -> KerasTensor:
        kernels = [weight for weight in self.trainable_weights if len(weight.shape) == 2]
        return sum(ops.sum(ops.square(kernel)) for kernel in kernels)
