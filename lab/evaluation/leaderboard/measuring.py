"""One row of the leaderboard: a model, trained with one seed and judged, as plain values that can be kept."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lab.evaluation import cold_users
from lab.evaluation.kept_rows import KeptRows, code_sha256
from lab.evaluation.leaderboard.judging import Judged, judge
from lab.evaluation.leaderboard.learning_curves import LearningCurve, Point
from lab.evaluation.leave_one_out import Split, described, parameters_of
from lab.leaderboard import model as models
from lab.leaderboard.held_out import HeldOut, NextItemMeasure, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part, train_parts
from lab.leaderboard.ranking import gains
from lab.leaderboard.selection import BLEND, COMPONENTS, GRIDS, SAMPLE, best_settings, select

TRAINING_USERS = 2_000
"""The figure on training data is of a sample of users."""
CURVE_USERS = 1_000
"""Those of a learning curve are of fewer: they are taken every few epochs."""
_JUDGED_BY = ("lab.leaderboard.held_out", "lab.evaluation.leaderboard.judging")


@dataclass(frozen=True)
class Measured:
    """A model with one seed."""

    settings: str
    cpu_seconds: float
    numbers: int
    """That the trained model holds."""
    train_ndcg: float
    judged: Judged
    curve: Sequence[Point]
    measured_at: str


@dataclass(frozen=True)
class Measuring:
    """What every model is trained on and judged by."""

    divided: Split
    attributes: csr_matrix | None
    kept: KeptRows

    def row(self, name: str, seed: int) -> Measured:
        """Of a model and a seed, as it was kept or measured now."""
        kept = self.kept.under(
            part="sequences", model=name, seed=seed, grid=repr(GRIDS.get(name)), code=code_sha256(_code(name))
        )
        return _read(kept.row(f"sequences.{name}.{seed}", lambda: self._measure(name, seed)))

    def new_users(self, name: str) -> list[dict[str, Any]]:
        """The curve of users withheld from training."""
        code = code_sha256((*_code(name), cold_users.__name__))
        kept = self.kept.under(part="new users", model=name, seed=1, code=code)
        row = kept.row(f"new_users.{name}.1", lambda: {"points": _cold(name, self.divided, self.attributes)})
        return list(row["points"])

    def _measure(self, name: str, seed: int) -> dict[str, Any]:
        divided = self.divided
        seen = _seen(divided.train)
        curve = LearningCurve(divided.validation.sample(SAMPLE), seen.sample(CURVE_USERS))
        started_s = time.process_time()
        parts = self._parts(name, models.Training(seed, self.attributes, curve))
        model = train_parts(parts, divided.train, models.Training(seed, self.attributes))
        spent_s = time.process_time() - started_s - curve.cpu_seconds
        judged = judge(model, divided.test.histories, divided.test.targets)
        return {
            "settings": described(parts),
            "cpu_seconds": spent_s,
            "numbers": parameters_of(model),
            "train_ndcg": float(gains(seen.ranks(model)).mean()),
            "curve": [asdict(point) for point in curve.best()],
            "ranks": judged.ranks.tolist(),
            "shown": judged.shown.tolist(),
        }

    def _parts(self, name: str, training: models.Training) -> tuple[Part, ...]:
        """What is chosen on the second last items; `auto` chooses inside the training part, as its command does."""
        if name == models.AUTO:
            return select(models.AUTO, self.divided.train, models.Training(training.seed, self.attributes)).parts
        return (best_settings(name, self.divided.train, self.divided.validation, training),)


def _read(row: dict[str, Any]) -> Measured:
    judged = Judged(np.array(row["ranks"], np.float64), np.array(row["shown"], np.int64))
    curve = [Point(**point) for point in row["curve"]]
    numbers = row["cpu_seconds"], row["numbers"], row["train_ndcg"]
    return Measured(row["settings"], *numbers, judged, curve, row["measured_at"])


def _code(name: str) -> list[str]:
    """Modules whose change makes a row another one; the settings to choose from are told beside them."""
    if name not in (models.AUTO, BLEND):
        return [f"lab.models.{name}", *_JUDGED_BY]
    return [*(f"lab.models.{each}" for each in (BLEND, *COMPONENTS)), "lab.leaderboard.selection", *_JUDGED_BY]


def _seen(train: Histories) -> HeldOut:
    """The newest items that a model is trained on, from those before them, of a sample of users."""
    return hold_out_newest(train)[1].sample(TRAINING_USERS)


def _cold(name: str, divided: Split, attributes: csr_matrix | None) -> list[dict[str, Any]]:
    """The curve of new users; what the model stops by is of the known ones."""
    users = cold_users.NewUsers.split(divided.train, seed=1)
    known, held = hold_out_newest(users.known)
    training = models.Training(1, attributes, NextItemMeasure(held.sample(TRAINING_USERS)))
    return cold_users.curve(name, cold_users.NewUsers(known, users.new), training)
