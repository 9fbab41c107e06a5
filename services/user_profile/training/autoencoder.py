"""Training of the user autoencoders: one function from interaction vectors to an encoder with its metrics."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
from numpy.typing import NDArray

from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.fitting import Epoch, Progress, fit
from services.user_profile.training.fold_in import NDCG_AT, FoldIn
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.network import ACTIVATION, Autoencoder
from services.user_profile.training.reconstructed import Reconstructed

MIN_USERS = 10


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

    epochs = fit(network, seen, weighting.norm, random, lambda: folds.measure(score)[f"ndcg_{NDCG_AT}"], progress)
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


def _standardise(network: Autoencoder, inputs: NDArray[np.float32]) -> None:
    """Give z a root mean square of 1 over users, so that whatever reads it sees the same scale in every release."""
    z = np.asarray(network.encode(inputs)[0])
    size = float(np.sqrt(np.mean(z**2)))
    if size > 0.0:
        network.rescale(1.0 / size)
