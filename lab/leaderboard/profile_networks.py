"""The profile service's autoencoders as models of the leaderboard: several networks that differ by their seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.fold_in import distinct
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from services.user_profile.model.interactions import Norm
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.reconstructed import Reconstructed

if TYPE_CHECKING:
    from services.user_profile.training.network import Autoencoder

_NORM: Norm = "l2"
_USERS_AT_A_TIME = 256


@dataclass(frozen=True)
class EnsembleConfig(AutoencoderConfig):
    """An autoencoder of the profile service, and how many of them."""

    most_items: int = 20_000
    """Items that are reconstructed, those of most users; the others stand below all."""
    short_history_share: float = 0.0
    """As in the profile service; here users come with most of what they have."""
    unit_dropout: float = 0.5
    """As in the profile service, where there are hidden layers."""
    learning_rate: float = 1e-2
    """As in the profile service, but twice as large: some hundred users make few steps."""
    max_epochs: int = 80
    """Epochs at most."""
    patience: int = 5
    """As in the profile service."""
    members: int = 1
    """Networks with seeds of their own, whose scores are added."""


@dataclass(frozen=True)
class Networks:
    """Trained networks that vote."""

    networks: Sequence["Autoencoder"]
    reconstructed: Reconstructed
    epochs: int
    """How long they learnt, the mean of the members: with more users the same number serves."""

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` mean of what the members answer: a multinomial one the root of each item's chance, which
        blends better with other models than its logarithm; another one its outputs.
        """
        known = self.reconstructed
        place = np.full(known.item_count, -1, np.int32)
        place[known.rows] = np.arange(len(known.rows), dtype=np.int32)
        users = _matrix(histories.masked(place[histories.rows] >= 0))
        users = InteractionMatrix(users.starts, place[users.columns], users.weights, len(known.rows))
        found = np.zeros((len(histories), len(known.rows)), np.float32)
        for first in range(0, len(histories), _USERS_AT_A_TIME):
            given = users.rows(np.arange(first, min(first + _USERS_AT_A_TIME, len(histories)))).dense(_NORM)
            for network in self.networks:
                found[first : first + len(given)] += _answer(network, given) / len(self.networks)
        if known.everything:
            return found
        scores = np.repeat(found.min(axis=1, keepdims=True) - 1.0, known.item_count, axis=1)
        scores[:, known.rows] = found
        return scores


def _answer(network: "Autoencoder", given: NDArray[np.float32]) -> NDArray[np.float32]:
    outputs = np.asarray(network(given), np.float32)
    if network.config.reconstruction != "multinomial":
        return outputs
    chances = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(np.sqrt(chances / chances.sum(axis=1, keepdims=True)), np.float32)


def train_networks(histories: Histories, training: Training, config: EnsembleConfig) -> Networks:
    """Train each member on all users: until `training.measure` stops growing, or for `training.epochs`, or for all the
    epochs of the configuration.
    """
    users = _matrix(histories)
    reconstructed = Reconstructed.most_used(users, config.most_items)
    users = reconstructed.restrict(users.rows(np.flatnonzero(users.sizes)))
    networks, epochs = [], []
    for number in range(config.members):
        settings = replace(config, seed=training.seed * 1_000 + number, max_epochs=training.epochs or config.max_epochs)
        network, learnt = _member(users, settings, training, reconstructed)
        networks.append(network)
        epochs.append(learnt)
    return Networks(networks, reconstructed, max(round(float(np.mean(epochs))), 1))


def _member(
    users: InteractionMatrix, config: EnsembleConfig, training: Training, reconstructed: Reconstructed
) -> tuple["Autoencoder", int]:
    """One network, and the number of the epoch whose weights it has."""
    import keras

    from services.user_profile.training.fitting import fit
    from services.user_profile.training.network import Autoencoder

    keras.utils.set_random_seed(config.seed)
    network = Autoencoder(users.item_count, config)
    measure: Callable[[], float] | None = None
    if training.measure is not None and not training.epochs:
        judge, judged = training.measure, Networks([network], reconstructed, 0)

        def measure() -> float:
            return judge(judged)

    def show(number: int, most: int, ndcg: float) -> None:
        training.progress(f"{config.kind} autoencoder" + (f", NDCG@100 {ndcg:.4f}" if ndcg else ""), number, most)

    epochs = fit(network, users, _NORM, np.random.default_rng(config.seed), measure, show)
    if measure is None:
        return network, len(epochs)
    return network, int(np.argmax([epoch.held_out_ndcg for epoch in epochs])) + 1


def _matrix(histories: Histories) -> InteractionMatrix:
    users = distinct(histories)
    return InteractionMatrix(users.starts, users.rows, np.ones(len(users.rows), np.float32), users.item_count)
