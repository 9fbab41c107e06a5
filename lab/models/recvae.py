"""The variational autoencoder RecVAE: a prior that remembers the encoder of the epoch before, a divergence that grows
with the user's items, encoder and decoder in turns (Shenbin et al., "RecVAE", WSDM 2020).
"""

from dataclasses import dataclass

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.profile_networks import EnsembleConfig, Networks, train_networks
from services.user_profile.training.configuration import Kind, Prior

USES_ORDER = False


@dataclass(frozen=True)
class Config(EnsembleConfig):
    """The paper's training on the profile service's network, whose encoder is smaller than theirs."""

    kind: Kind = "variational"
    """As in the profile service."""
    prior: Prior = "composite"
    """As in the paper."""
    gamma: float = 0.005
    """Weight of the divergence for each item of the user; .005 in the paper."""
    encoder_passes: int = 3
    """As in the paper."""
    item_dropout: float = 0.5
    """Share of a user's items that is left out while the encoder learns; .5 in the paper."""


def train(histories: Histories, training: Training, config: Config) -> Networks:
    """Train the members one after the other."""
    return train_networks(histories, training, config)
