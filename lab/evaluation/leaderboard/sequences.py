"""Rows of models that tell a user's next item, by the leave-one-out protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lab.evaluation.kept_rows import KeptRows
from lab.evaluation.leaderboard.measuring import Measured, Measuring
from lab.evaluation.leave_one_out import split
from lab.evaluation.statistics import bootstrap
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Progress
from lab.leaderboard.ranking import gains, hits

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
    kept: KeptRows = field(default_factory=KeptRows)
    """Rows that are there already."""


@dataclass(frozen=True)
class _Row:
    """A model with all its seeds."""

    name: str
    seeds: Sequence[Measured]

    @property
    def gains(self) -> np.ndarray:
        """`[users]` NDCG@10, the mean over seeds."""
        return np.asarray(np.mean([gains(each.judged.ranks) for each in self.seeds], axis=0))

    @property
    def hits(self) -> np.ndarray:
        """`[users]` HR@10, the mean over seeds."""
        return np.asarray(np.mean([hits(each.judged.ranks) for each in self.seeds], axis=0))


def compare(
    histories: Histories, attributes: csr_matrix | None, options: Options, progress: Progress
) -> dict[str, Any]:
    """Train every model on all but each user's last two items, and rank the last.

    Returns `rows` (best first), `users`, `items`, `entries` and `cold_users` by model.
    """
    divided = split(histories)
    measuring = Measuring(divided, attributes, options.kept)
    made = []
    for place, name in enumerate(options.names):
        progress(f"models, {name}", place, len(options.names))
        made.append(_Row(name, [measuring.row(name, seed) for seed in options.seeds.get(name, (1,))]))
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
        "cold_users": {name: measuring.new_users(name) for name in options.cold},
    }


def _best_baseline(rows: Sequence[_Row]) -> _Row | None:
    found = [row for row in rows if row.name in BASELINES]
    return max(found, key=lambda row: float(row.gains.mean()), default=None)


def _as_dict(row: _Row, best: _Row | None, popularity: np.ndarray) -> dict[str, Any]:
    ndcg, train_ndcg = bootstrap(row.gains), float(np.mean([each.train_ndcg for each in row.seeds]))
    first, judged = row.seeds[0], [each.judged for each in row.seeds]
    return {
        "model": row.name,
        "settings": first.settings,
        "seeds": len(row.seeds),
        "hr_10": bootstrap(row.hits).as_dict(),
        "ndcg_10": ndcg.as_dict(),
        "difference_in_ndcg_10": None if best is None or best is row else bootstrap(row.gains - best.gains).as_dict(),
        "train_ndcg_10": round(train_ndcg, 6),
        "gap": round(train_ndcg - ndcg.mean, 6),
        "coverage": round(float(np.mean([each.coverage for each in judged])), 4),
        "popularity_of_shown": round(float(np.mean([each.popularity(popularity) for each in judged])), 4),
        "numbers": first.numbers,
        "cpu_seconds": round(float(np.mean([each.cpu_seconds for each in row.seeds])), 2),
        "learning_curve": [asdict(point) for point in first.curve],
        "measured_at": first.measured_at,
    }
