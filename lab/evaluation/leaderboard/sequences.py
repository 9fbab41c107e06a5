"""Rows of models that tell a user's next item, by the leave-one-out protocol."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lab.evaluation import cold_users
from lab.evaluation.leaderboard.judging import Judged, judge
from lab.evaluation.leave_one_out import Split, described, parameters_of, split
from lab.evaluation.statistics import bootstrap
from lab.leaderboard import model as models
from lab.leaderboard.held_out import HeldOut, NextItemMeasure, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part, train_parts
from lab.leaderboard.model import Progress
from lab.leaderboard.ranking import gains, hits
from lab.leaderboard.selection import best_settings, select

TRAINING_USERS = 2_000
"""The figure on training data is of a sample of users."""
BASELINES = ("popularity", "ease", "sequence_knn")
"""What every other model is held against: the difference to the best of them is paired by user."""


@dataclass(frozen=True)
class Options:
    """What is compared."""

    names: Sequence[str]
    """Models."""
    seeds: Mapping[str, Sequence[int]]
    """Of a model, where they are not the first alone."""
    cold: Sequence[str] = ()
    """Models whose curve for new users is drawn."""


@dataclass(frozen=True)
class _Row:
    name: str
    settings: str
    seconds: float
    size: int
    judged: Sequence[Judged]
    train_ndcg: float


def compare(
    histories: Histories, attributes: csr_matrix | None, options: Options, progress: Progress
) -> dict[str, Any]:
    """Train every model on all but each user's last two items, and rank the last.

    Returns `rows` (best first), `users`, `items`, `entries` and `cold_users` by model.
    """
    divided = split(histories)
    made = []
    for place, name in enumerate(options.names):
        progress(f"models, {name}", place, len(options.names))
        made.append(_row(name, divided, attributes, options.seeds.get(name, (1,))))
    progress("models", len(options.names), len(options.names))
    best = _best_baseline(made)
    popularity = np.bincount(divided.train.rows, minlength=histories.item_count)
    rows = [_as_dict(row, best, popularity) for row in made]
    return {
        "users": len(histories),
        "items": histories.item_count,
        "entries": len(histories.rows),
        "held_against": best.name if best else None,
        "rows": sorted(rows, key=lambda row: -row["ndcg_10"]["mean"]),
        "cold_users": {name: _cold(name, divided, attributes) for name in options.cold},
    }


def _row(name: str, divided: Split, attributes: csr_matrix | None, seeds: Sequence[int]) -> _Row:
    judged, seconds, trained_on = [], [], []
    for seed in seeds:
        started_s = time.process_time()
        parts = _parts(name, divided, models.Training(seed, attributes))
        model = train_parts(parts, divided.train, models.Training(seed, attributes))
        seconds.append(time.process_time() - started_s)
        judged.append(judge(model, divided.test.histories, divided.test.targets))
        trained_on.append(_on_training(model, divided.train))
    costs = float(np.mean(seconds)), parameters_of(model)
    return _Row(name, described(parts), *costs, judged, float(np.mean(trained_on)))


def _parts(name: str, divided: Split, training: models.Training) -> tuple[Part, ...]:
    """What is chosen on the second last items; `auto` chooses inside the training part, as its command does."""
    if name == models.AUTO:
        return select(models.AUTO, divided.train, training).parts
    return (best_settings(name, divided.train, divided.validation, training),)


def _on_training(model: models.Model, train: Histories) -> float:
    """NDCG@10 of the newest item that the model was trained on, from those before it."""
    _, seen = hold_out_newest(train)
    sample: HeldOut = seen.sample(TRAINING_USERS)
    return float(gains(sample.ranks(model)).mean())


def _best_baseline(rows: Sequence[_Row]) -> _Row | None:
    found = [row for row in rows if row.name in BASELINES]
    return max(found, key=lambda row: float(_gains(row).mean()), default=None)


def _gains(row: _Row) -> np.ndarray:
    return np.asarray(np.mean([gains(each.ranks) for each in row.judged], axis=0))


def _hits(row: _Row) -> np.ndarray:
    return np.asarray(np.mean([hits(each.ranks) for each in row.judged], axis=0))


def _as_dict(row: _Row, best: _Row | None, popularity: np.ndarray) -> dict[str, Any]:
    ndcg = bootstrap(_gains(row))
    return {
        "model": row.name,
        "settings": row.settings,
        "seeds": len(row.judged),
        "hr_10": bootstrap(_hits(row)).as_dict(),
        "ndcg_10": ndcg.as_dict(),
        "difference_in_ndcg_10": None if best in (None, row) else bootstrap(_gains(row) - _gains(best)).as_dict(),  # type: ignore[arg-type]
        "train_ndcg_10": round(row.train_ndcg, 6),
        "gap": round(row.train_ndcg - ndcg.mean, 6),
        "coverage": round(float(np.mean([each.coverage for each in row.judged])), 4),
        "popularity_of_shown": round(float(np.mean([each.popularity(popularity) for each in row.judged])), 4),
        "numbers": row.size,
        "cpu_seconds": round(row.seconds, 2),
    }


def _cold(name: str, divided: Split, attributes: csr_matrix | None) -> list[dict[str, Any]]:
    """The curve of new users; what the model stops by is of the known ones."""
    users = cold_users.NewUsers.split(divided.train, seed=1)
    known, held = hold_out_newest(users.known)
    training = models.Training(1, attributes, NextItemMeasure(held.sample(TRAINING_USERS)))
    return cold_users.curve(name, cold_users.NewUsers(known, users.new), training)
