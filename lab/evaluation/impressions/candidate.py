"""What the candidates have in common: trained on features, each answers with two logits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.impressions.ratios import Numbers, logit, sigmoid
from lab.evaluation.impressions.statistics import Features

Progress = Callable[[str, int, int], None]
"""`show(what, done, total)`."""


@dataclass(frozen=True)
class Logits:
    """`[N]` each."""

    click: Numbers
    """Of P(clicked) at the row's position."""
    buy: Numbers
    """Of P(purchased | clicked)."""

    def purchase(self) -> Numbers:
        """`[N]` P(clicked and purchased) at the row's position."""
        return sigmoid(self.click) * sigmoid(self.buy)


class Model(Protocol):
    """A trained candidate."""

    def logits(self, features: Features) -> Logits:
        """A row's logits depend on that row's features alone."""


@dataclass(frozen=True)
class Length:
    """How long a candidate learns: trees, or passes over the data."""

    click: int
    buy: int


@dataclass(frozen=True)
class Trained:
    """A model, and how long it learnt."""

    model: Model
    length: Length


@dataclass(frozen=True)
class Lesson:
    """What a candidate is trained on."""

    features: Features
    seen_rate: float
    buy_rate: float
    later: Features | None = None
    """Impressions after those: where learning longer does not help, it ends."""
    length: Length | None = None
    """How long to learn, where `later` is not there to tell."""
    seed: int = 1
    progress: Progress = field(default=lambda what, done, total: None, repr=False)


Train = Callable[[Lesson], Trained]


def examined_logit(seen_logit: Numbers, examination: Numbers) -> Numbers:
    """`[N]` logit of examination × sigmoid(seen_logit)."""
    return logit(np.minimum(examination, 1.0) * sigmoid(seen_logit))


def mean_log_loss(logits: Numbers, happened: NDArray[np.bool_]) -> float:
    """In nats."""
    return float(np.mean(np.logaddexp(0.0, np.where(happened, -logits, logits)))) if len(logits) else float("nan")
