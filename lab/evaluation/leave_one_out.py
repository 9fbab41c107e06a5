"""How well models tell each user's next item, by the protocol that the published figures have.

Leave-one-out with full ranking (Kang & McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, without its
drawn negatives): training has all but a user's last two items, settings are chosen on the second last, the last is the
test, with the second last in the history but not in training.
"""

import dataclasses
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from lab.evaluation.statistics import Interval, bootstrap
from lab.leaderboard.held_out import AT, HeldOut, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part, train_parts
from lab.leaderboard.model import AUTO, Training
from lab.leaderboard.ranking import gains, hits
from lab.leaderboard.selection import best_settings, select


@dataclass(frozen=True)
class Split:
    """A file of histories as the protocol divides it."""

    train: Histories
    """Of every user, in the file's order; what models are trained on."""
    validation: HeldOut
    test: HeldOut


def split(histories: Histories) -> Split:
    """Divide a file's histories."""
    known, test = hold_out_newest(histories)
    train, validation = hold_out_newest(known)
    return Split(train, validation, test)


@dataclass(frozen=True)
class Outcome:
    """What a model reached, user by user."""

    ranks: NDArray[np.float64]
    """`[users]` of each user's target, from 1."""

    @property
    def hits(self) -> NDArray[np.float64]:
        """`[users]` HR@10 of each."""
        return hits(self.ranks, AT)

    @property
    def gains(self) -> NDArray[np.float64]:
        """`[users]` NDCG@10 of each."""
        return gains(self.ranks, AT)

    def above(self, other: "Outcome") -> tuple[Interval, Interval]:
        """The paired differences to another model on the same users: of HR@10 and of NDCG@10."""
        return bootstrap(self.hits - other.hits), bootstrap(self.gains - other.gains)


@dataclass(frozen=True)
class Row:
    """A model's row on the leaderboard."""

    name: str
    settings: str
    """What was chosen on the second last items."""
    hits: Interval
    """HR@10 on the last items."""
    gains: Interval
    """NDCG@10."""
    cpu_seconds: float
    """Of choosing and training: processor time of all threads."""
    parameters: int
    """Numbers that the trained model holds."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "hits": self.hits.as_dict(), "gains": self.gains.as_dict()}


def measure(name: str, divided: Split, training: Training) -> tuple[Row, Outcome]:
    """Choose a model's settings on the second last items, train it, and test it on the last.

    `auto` chooses inside the training part, as the command does: it never sees the second last items.
    """
    started_s = time.process_time()
    if name == AUTO:
        parts = select(AUTO, divided.train, training).parts
    else:
        parts = (best_settings(name, divided.train, divided.validation, training),)
    model = train_parts(parts, divided.train, training)
    cpu_seconds = time.process_time() - started_s
    outcome = Outcome(divided.test.ranks(model))
    row = Row(
        name, described(parts), bootstrap(outcome.hits), bootstrap(outcome.gains), cpu_seconds, parameters_of(model)
    )
    return row, outcome


def over_seeds(outcomes: list[Outcome]) -> tuple[Interval, Interval]:
    """HR@10 and NDCG@10 of several seeds: the mean over seeds of each user, with intervals over users."""
    return (
        bootstrap(np.mean([each.hits for each in outcomes], axis=0)),
        bootstrap(np.mean([each.gains for each in outcomes], axis=0)),
    )


def described(parts: Iterable[Part]) -> str:
    """Parts in one line: names, weights where there are several, settings."""
    return " + ".join(str(part) for part in parts)


def parameters_of(model: Any) -> int:
    """Numbers in the arrays that a trained model holds, in its fields and theirs."""
    if isinstance(model, np.ndarray):
        return int(model.size)
    if issparse(model):
        return int(model.nnz)
    if isinstance(model, tuple | list):
        return sum(parameters_of(each) for each in model)
    if hasattr(model, "count_params"):
        return int(model.count_params())
    if type(model).__module__.startswith("lab."):
        return sum(parameters_of(each) for each in vars(model).values())
    return 0
