"""How well models of profiles do on users they have never seen: five tenths of the users are judges in turn.

For each tenth the model is trained on the other nine, a part of which it holds out to choose its settings (80/10/10);
80 % of a judge's items are given, 20 % must come out on top (Liang et al., "Variational Autoencoders for Collaborative
Filtering", WWW 2018, section 4.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.kept_rows import KeptRows, code_sha256
from lab.evaluation.profile_models import AUTO_MODEL, fit_model, train_chosen
from lab.evaluation.statistics import Interval, bootstrap
from lab.leaderboard.fold_in import MEASURES, Fold, distinct, folds
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Progress, Training, module_of

SPLITS = 5
YARDSTICK = "ease"
_LEAST_USERS = 100


class TooSmallError(ValueError):
    """There are too few users for judges in tenths."""


@dataclass(frozen=True)
class Outcome:
    """What a model reached, user by user, the splits pooled."""

    values: Mapping[str, NDArray[np.float64]] = field(repr=False)
    """By measure `[users]`."""
    figures: Sequence[Mapping[str, Any]]
    """What the model chose on each split."""

    def intervals(self) -> dict[str, Interval]:
        """Each measure with its 95 % bootstrap interval over users."""
        return {name: bootstrap(values) for name, values in self.values.items()}

    def above(self, other: "Outcome") -> dict[str, Interval]:
        """The differences to another model on the same users, paired."""
        return {name: bootstrap(values - other.values[name]) for name, values in self.values.items()}


def splits(histories: Histories, seed: int, count: int = SPLITS) -> list[Fold]:
    """Users with two items or more, each a judge at most once; the judges' items are parted by chance.

    Raises: TooSmallError.
    """
    users = distinct(histories)
    users = users.take(np.flatnonzero(users.sizes >= 2))
    if len(users) < _LEAST_USERS:
        raise TooSmallError(f"{_LEAST_USERS} users with two items or more are needed, not {len(users)}")
    return folds(users, count, round(len(users) / 10), seed)


def judge(name: str, parts: Sequence[Fold], seed: int, progress: Progress, kept: KeptRows | None = None) -> Outcome:
    """Choose, train and measure a model on each split that `kept` has no row of.

    Raises: UnknownModelError, UnfitModelError.
    """
    fit = fit_model(name)
    kept = (kept or KeptRows()).under(part="profiles", model=fit, seed=seed, code=code_sha256(_code(fit)))

    def one(fold: Fold) -> dict[str, Any]:
        model, figure = train_chosen(fit, fold.training, Training(seed, progress=progress))
        values = fold.judging.measure(model)
        return {"values": {each: found.tolist() for each, found in values.items()}, "figure": figure}

    rows = []
    for number, fold in enumerate(parts):
        progress(f"{name}", number, len(parts))
        split = kept.under(split=number)
        rows.append(split.row(f"profiles.{fit}.{seed}.{number}", partial(one, fold)))
    progress(f"{name}", len(parts), len(parts))
    values = {each: np.concatenate([np.array(row["values"][each], np.float64) for row in rows]) for each in MEASURES}
    return Outcome(values, [row["figure"] for row in rows])


def _code(name: str) -> list[str]:
    """Modules whose change makes a row another one."""
    mixed = module_of(name).Config().parts if name == AUTO_MODEL else ()
    return [*(f"lab.models.{each}" for each in (name, *mixed)), "lab.evaluation.profile_models"]


def compare(
    histories: Histories, names: Sequence[str], seed: int, progress: Progress, kept: KeptRows | None = None
) -> dict[str, Any]:
    """The table: each model's measures, and its difference to the yardstick, with 95 % intervals; plain numbers.

    Raises: TooSmallError, UnknownModelError, UnfitModelError.
    """
    parts = splits(histories, seed)
    outcomes = {name: judge(name, parts, seed, progress, kept) for name in dict.fromkeys((YARDSTICK, *names))}
    yardstick = outcomes[YARDSTICK]
    return {
        "users": len(parts[0].training) + len(parts[0].judging.given),
        "judges": sum(len(fold.judging.given) for fold in parts),
        "items": histories.item_count,
        "splits": len(parts),
        "seed": seed,
        "models": {name: _row(outcome, yardstick) for name, outcome in outcomes.items()},
    }


def _row(outcome: Outcome, yardstick: Outcome) -> dict[str, Any]:
    differences = outcome.above(yardstick)
    return {
        "measures": {name: interval.as_dict() for name, interval in outcome.intervals().items()},
        f"above_{YARDSTICK}": {name: interval.as_dict() for name, interval in differences.items()},
        f"relative_to_{YARDSTICK}": {
            name: round(interval.mean / max(float(yardstick.values[name].mean()), 1e-12), 4)
            for name, interval in differences.items()
        },
        "chosen": list(outcome.figures),
    }
