"""The variational autoencoder Mult-VAE (Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW
2018).
"""

from dataclasses import dataclass

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.profile_networks import EnsembleConfig, Networks, train_networks
from services.user_profile.training.configuration import Kind

USES_ORDER = False


@dataclass(frozen=True)
class Config(EnsembleConfig):
    """Smaller than the release's: see `EnsembleConfig`."""

    kind: Kind = "variational"
    """As in the profile service."""
    item_dropout: float = 0.5
    """Share of a user's items that is left out of the input."""


def train(histories: Histories, training: Training, config: Config) -> Networks:
    """Train the members one after the other."""
    return train_networks(histories, training, config)
