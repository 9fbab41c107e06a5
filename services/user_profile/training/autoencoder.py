"""Training of the user autoencoders: one function from interaction vectors to an encoder with its metrics."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Norm, Weighting
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.fold_in import NDCG_AT, FoldIn
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.network import ACTIVATION, Autoencoder
from services.user_profile.training.reconstructed import Reconstructed

Progress = Callable[[int, int, float], None]
"""Called after each epoch with its number, the most there may be, and the NDCG@100 on held-out users."""

MIN_USERS = 10
_SHORT_HISTORY = 3


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to."""

    loss: float
    held_out_ndcg: float


@dataclass(frozen=True)
class TrainedAutoencoder:
    """What training leaves: the encoder for the release, and how good it is."""

    encoder: Encoder
    metrics: dict[str, float]
    """On held-out users (`ndcg_100`, `recall_20`), the same for popularity (`popularity_…`) and on training users
    (`train_…`), the gap between training and held-out users (`ndcg_100_gap`), `epochs`, `seconds`.
    """
    epochs: Sequence[Epoch]
    network: Autoencoder = field(repr=False)


def train(
    vectors: Sequence[InteractionVector],
    item_count: int,
    config: AutoencoderConfig | None = None,
    weighting: Weighting | None = None,
    progress: Progress | None = None,
    groups: NDArray[np.int32] | None = None,
) -> TrainedAutoencoder:
    """Train on users' interaction vectors, which were made with `weighting`; it stops early on held-out users'
    NDCG@100. Of a large catalogue the most used items are reconstructed, and figures are over those; `groups` `[items]`
    says whose mean stands for each of the others (`Reconstructed.widen`).

    Raises: ValueError with fewer than 10 users who have items.
    """
    config, weighting = config or AutoencoderConfig(), weighting or Weighting()
    matrix = InteractionMatrix.of(vectors, item_count)
    reconstructed = Reconstructed.most_used(matrix, config.most_items)
    matrix = reconstructed.restrict(matrix)
    if len(matrix) < MIN_USERS:
        raise ValueError(f"an autoencoder needs {MIN_USERS} users with items, not {len(matrix)}")
    started_s = time.perf_counter()
    random = np.random.default_rng(config.seed)
    keras.utils.set_random_seed(config.seed)
    order = random.permutation(len(matrix))
    held_out_count = max(round(len(matrix) * config.held_out_share), 1)
    held_out, seen = matrix.rows(order[:held_out_count]), matrix.rows(order[held_out_count:])
    folds = FoldIn.split(held_out, random)
    network = Autoencoder(matrix.item_count, config)

    def score(given: InteractionMatrix) -> NDArray[np.float32]:
        return np.asarray(network(given.dense(weighting.norm)))

    epochs = _fit(network, seen, weighting.norm, random, lambda: folds.measure(score)[f"ndcg_{NDCG_AT}"], progress)
    _standardise(network, seen.rows(np.arange(min(len(seen), 2_000))).dense(weighting.norm))
    popularity = seen.popularity()
    same_size = seen.rows(np.sort(random.permutation(len(seen))[: max(held_out_count, MIN_USERS)]))
    metrics = folds.measure(score)
    popular = folds.measure(lambda given: np.tile(popularity, (len(given), 1)))
    on_seen = FoldIn.split(same_size, random).measure(score)
    metrics |= {f"popularity_{name}": value for name, value in popular.items()}
    metrics |= {f"train_{name}": value for name, value in on_seen.items()}
    metrics[f"ndcg_{NDCG_AT}_gap"] = on_seen[f"ndcg_{NDCG_AT}"] - metrics[f"ndcg_{NDCG_AT}"]
    metrics |= {"epochs": float(len(epochs)), "seconds": time.perf_counter() - started_s}
    metrics["reconstructed_items"] = float(matrix.item_count)
    first, *rest = network.encoder_arrays()
    encoder = Encoder([reconstructed.widen(first, groups), *rest], ACTIVATION, config.kind, weighting)
    return TrainedAutoencoder(encoder, metrics, epochs, network)


def _fit(
    network: Autoencoder,
    users: InteractionMatrix,
    norm: Norm,
    random: np.random.Generator,
    measure: Callable[[], float],
    progress: Progress | None,
) -> list[Epoch]:
    """Epochs until held-out NDCG stops growing; the best epoch's weights stay."""
    config = network.config
    # The encoder of the epoch before, which the composite prior looks back at.
    previous = Autoencoder(users.item_count, config)
    step = _training_step(network, previous)
    best, best_weights, since_best = -1.0, network.get_weights(), 0
    epochs: list[Epoch] = []
    for number in range(1, config.max_epochs + 1):
        previous.set_weights(network.get_weights())
        warmed_up = tf.constant(min(number / max(config.beta_warm_up_epochs, 1), 1.0), tf.float32)
        losses = []
        for batch in _batches(len(users), config.batch_users, random):
            whole = users.rows(batch)
            shown = _corrupted(whole, config, random)
            losses.append(float(step(shown.dense(norm), whole.dense(norm), whole.targets(), warmed_up)))
        epochs.append(Epoch(float(np.mean(losses)), measure()))
        if progress is not None:
            progress(number, config.max_epochs, epochs[-1].held_out_ndcg)
        if epochs[-1].held_out_ndcg > best:
            best, best_weights, since_best = epochs[-1].held_out_ndcg, network.get_weights(), 0
        else:
            since_best += 1
            if since_best >= config.patience:
                break
    network.set_weights(best_weights)
    return epochs


def _training_step(network: Autoencoder, previous: Autoencoder) -> Callable[..., tf.Tensor]:
    """One step of Adam on a batch: what is shown, the whole input and the targets, each `[users, items]`."""
    optimizer = keras.optimizers.Adam(network.config.learning_rate)
    optimizer.build(network.trainable_variables)
    matrix = tf.TensorSpec([None, network.item_count], tf.float32)

    def step(shown: tf.Tensor, whole: tf.Tensor, targets: tf.Tensor, warmed_up: tf.Tensor) -> tf.Tensor:
        variables = network.trainable_variables
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
    """The users with items left out; each keeps at least one. The plain autoencoder sees everything."""
    if config.kind == "autoencoder":
        return users
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


def _standardise(network: Autoencoder, inputs: NDArray[np.float32]) -> None:
    """Give z a root mean square of 1 over users, so that whatever reads it sees the same scale in every release."""
    z = np.asarray(network.encode(inputs)[0])
    size = float(np.sqrt(np.mean(z**2)))
    if size > 0.0:
        network.rescale(1.0 / size)
