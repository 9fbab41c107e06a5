"""The plain autoencoder: a user's items in, all items out, squared error (Sedhain et al., "AutoRec", WWW 2015)."""

from dataclasses import dataclass

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.profile_networks import EnsembleConfig, Networks, train_networks
from services.user_profile.training.configuration import Kind, Reconstruction

USES_ORDER = False


@dataclass(frozen=True)
class Config(EnsembleConfig):
    """Smaller than the release's: see `EnsembleConfig`."""

    kind: Kind = "autoencoder"
    """As in the profile service."""
    reconstruction: Reconstruction = "squared_error"
    """1/2 · sum over items of (x̂ − x)²."""


def train(histories: Histories, training: Training, config: Config) -> Networks:
    """Train the members one after the other."""
    return train_networks(histories, training, config)
