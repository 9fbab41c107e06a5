"""Epochs of an autoencoder: what it is shown, what it learns from that, and when it is enough."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.user_profile.model.interactions import Norm
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.network import Autoencoder

Progress = Callable[[int, int, float], None]
"""Called after each epoch with its number, the most there may be, and the NDCG@100 on held-out users."""

_SHORT_HISTORY = 3


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to."""

    loss: float
    held_out_ndcg: float
    """Not a number where nobody is held out."""


def fit(
    network: Autoencoder,
    users: InteractionMatrix,
    norm: Norm,
    random: np.random.Generator,
    measure: Callable[[], float] | None = None,
    progress: Progress | None = None,
) -> list[Epoch]:
    """Epochs until the held-out NDCG that `measure` tells stops growing; the best epoch's weights stay. Without
    `measure`: all epochs of the configuration, and the last weights stay.
    """
    config = network.config
    network.begin_with(users.popularity(), len(users))
    learner = _Learner(network, norm, random)
    best, best_weights, since_best = -1.0, network.get_weights(), 0
    epochs: list[Epoch] = []
    for number in range(1, config.max_epochs + 1):
        loss = learner.learn(users, min(number / max(config.beta_warm_up_epochs, 1), 1.0))
        if measure is None:
            epochs.append(Epoch(loss, float("nan")))
            _tell(progress, number, config.max_epochs, 0.0)
            continue
        with learner.averaged():
            epochs.append(Epoch(loss, measure()))
            if epochs[-1].held_out_ndcg > best:
                best, best_weights, since_best = epochs[-1].held_out_ndcg, network.get_weights(), 0
            else:
                since_best += 1
        _tell(progress, number, config.max_epochs, epochs[-1].held_out_ndcg)
        if since_best >= config.patience:
            break
    if measure is None:
        learner.average()
    else:
        network.set_weights(best_weights)
    return epochs


def _tell(progress: Progress | None, number: int, most: int, ndcg: float) -> None:
    if progress is not None:
        progress(number, most, ndcg)


@dataclass(frozen=True)
class _Pass:
    """Once over all users, learning some of the weights."""

    variables: list[Any]
    optimizer: Any
    step: Callable[..., tf.Tensor]
    whole: bool
    """Whether users are shown with everything they have."""


class _Learner:
    """The passes of one network, with the state of their optimisers."""

    def __init__(self, network: Autoencoder, norm: Norm, random: np.random.Generator) -> None:
        self._network, self._norm, self._random = network, norm, random
        # The encoder of the epoch before, which the composite prior looks back at.
        self._previous = Autoencoder(network.item_count, network.config)
        self._passes = self._passes_of_an_epoch()

    def learn(self, users: InteractionMatrix, warmed_up: float) -> float:
        """One epoch; answers its mean loss."""
        config = self._network.config
        if config.prior == "composite":
            self._previous.set_weights(self._network.get_weights())
        losses = []
        for each in self._passes:
            for batch in _batches(len(users), config.batch_users, self._random):
                whole = users.rows(batch)
                shown = whole if each.whole else _corrupted(whole, config, self._random)
                losses.append(
                    float(
                        each.step(
                            shown.dense(self._norm), whole.dense(self._norm), whole.targets(), tf.constant(warmed_up)
                        )
                    )
                )
        return float(np.mean(losses))

    def average(self) -> None:
        """Put the running means of the weights in their place, where the configuration wants means."""
        for each in self._passes:
            each.optimizer.finalize_variable_values(each.variables)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with the running means of its weights, while the context lasts."""
        if not self._network.config.average_decay:
            yield
            return
        learning = self._network.get_weights()
        self.average()
        yield
        self._network.set_weights(learning)

    def _passes_of_an_epoch(self) -> list[_Pass]:
        network, turns = self._network, self._network.config.encoder_passes
        if not turns:
            return [self._pass(network.trainable_variables, whole=network.config.kind == "autoencoder")]
        encoder, decoder = network.halves()
        return [self._pass(encoder, whole=False)] * turns + [self._pass(decoder, whole=True)]

    def _pass(self, variables: list[Any], *, whole: bool) -> _Pass:
        config = self._network.config
        averages = {"use_ema": True, "ema_momentum": config.average_decay} if config.average_decay else {}
        optimizer = keras.optimizers.Adam(config.learning_rate, **averages)
        optimizer.build(variables)
        return _Pass(variables, optimizer, _training_step(self._network, self._previous, optimizer, variables), whole)


def _training_step(
    network: Autoencoder, previous: Autoencoder, optimizer: Any, variables: list[Any]
) -> Callable[..., tf.Tensor]:
    """One step on a batch: what is shown, the whole input and the targets, each `[users, items]`."""
    matrix = tf.TensorSpec([None, network.item_count], tf.float32)

    def step(shown: tf.Tensor, whole: tf.Tensor, targets: tf.Tensor, warmed_up: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = network.training_loss(shown, targets, previous.encode(whole), warmed_up)
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    return tf.function(step, input_signature=[matrix, matrix, matrix, tf.TensorSpec([], tf.float32)])  # type: ignore[no-any-return]


def _batches(count: int, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    order = random.permutation(count)
    return [order[first : first + size] for first in range(0, count, size)]


def _corrupted(users: InteractionMatrix, config: AutoencoderConfig, random: np.random.Generator) -> InteractionMatrix:
    """The users with items left out; each keeps at least one."""
    chance = random.random(len(users.columns))
    kept = chance >= config.item_dropout
    short = random.random(len(users)) < config.short_history_share
    owners = users.owners()
    # Rank of each entry among its user's by chance: the first is always shown, and to some users only the first few.
    order = np.lexsort((-chance, owners))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - users.starts[:-1][owners]
    limits = np.where(short, random.integers(1, _SHORT_HISTORY + 1, len(users)), users.item_count)
    return users.masked((kept | (rank == 0)) & (rank < limits[owners]))
