"""Several models as one: a weighted sum of their scores, each brought to the same scale for every user."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model, Training, train


@dataclass(frozen=True)
class Part:
    """A model of a mixture, as it is to be trained."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """That differ from its defaults."""
    weight: float = 1.0
    """Of its scores, once they are comparable."""
    epochs: int | None = None
    """How long it is to learn, where that was found out on held-out items."""

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        weight = "" if self.weight == 1.0 else f"{self.weight:.2f} "
        return f"{weight}{self.name}" + (f"({settings})" if settings else "")


@dataclass(frozen=True)
class Mixture:
    """Trained parts."""

    models: tuple[Model, ...]
    weights: tuple[float, ...]

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` weighted sum of comparable scores."""
        total = np.zeros((len(histories), histories.item_count), np.float32)
        for model, weight in zip(self.models, self.weights, strict=True):
            total += np.float32(weight) * comparable(model.score(histories))
        return total


def comparable(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same order on a scale that models share: arsinh of standard deviations above the mean of the user's items.

    Counts of neighbours have a few items at 80 deviations, logits of networks hardly one at 5; the logarithm that
    arsinh becomes brings the first to the second (NDCG@10 of neighbours with a knowledge graph on held-out items of
    amazon_toys: .0801, and .0789 with roots instead).
    """
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred * centred).mean(axis=1, keepdims=True))
    return np.asarray(np.arcsinh(centred / np.maximum(deviation, 1e-12)), np.float32)


def train_parts(parts: Iterable[Part], histories: Histories, training: Training) -> Model:
    """Train every part on all histories; a single one is a model by itself."""
    parts = tuple(parts)
    models = []
    for place, part in enumerate(parts):
        training.progress(f"training, {part.name}", place, len(parts))
        models.append(train(part.name, histories, replace(training, measure=None, epochs=part.epochs), part.settings))
    training.progress("training", len(parts), len(parts))
    if len(models) == 1:
        return models[0]
    return Mixture(tuple(models), tuple(part.weight for part in parts))
