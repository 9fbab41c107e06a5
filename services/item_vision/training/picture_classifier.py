"""What pictures show and which look alike: several tuned networks answer together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.trunk import Activations, Trunk
from services.item_vision.training.calibration import log_softmax
from services.item_vision.training.tuned_network import TunedNetwork


@dataclass(frozen=True)
class Reading:
    """What is said of pictures."""

    probabilities: np.ndarray
    """`[n, classes] float32`, calibrated."""
    embeddings: np.ndarray
    """`[n, members · 64] float32`, L2-normalised: the cosine says how alike two pictures look."""


@dataclass(frozen=True)
class Member:
    """One network, and an embedding learned over its features."""

    network: TunedNetwork
    embedding_kernel: np.ndarray
    """`[width, 64]`."""
    embedding_bias: np.ndarray
    """`[64]`."""

    def embed(self, features: np.ndarray) -> np.ndarray:
        """L2-normalised `[n, 64] float32` of features `[n, width]`."""
        return normalise_rows(features @ self.embedding_kernel + self.embedding_bias)


class PictureClassifier:
    """Says of pictures which class they show, and where they lie among others."""

    def __init__(self, trunk: Trunk, members: Sequence[Member], temperature: float) -> None:
        self.trunk = trunk
        self.temperature = temperature
        """Divides the members' mean logits."""
        self._members = members

    def read(self, plain: Sequence[Activations]) -> Reading:
        """One row for each picture, of its plain views."""
        features = [mean_features(member.network, plain) for member in self._members]
        pairs = list(zip(self._members, features, strict=True))
        logits = np.mean([member.network.logits(each) for member, each in pairs], axis=0)
        embeddings = np.concatenate([member.embed(each) for member, each in pairs], axis=1)
        return Reading(np.exp(log_softmax(logits / self.temperature)), normalise_rows(embeddings))


def mean_features(network: TunedNetwork, views: Sequence[Activations]) -> np.ndarray:
    """`[n, width] float32` averaged over views."""
    features = np.stack([network.features(view) for view in views])
    mean: np.ndarray = features.mean(axis=0, dtype=np.float32)
    return mean
