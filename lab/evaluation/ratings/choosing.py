"""Chooses how a factorisation is held back by five-fold validation inside the ratings, and sets its level by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.ratings.estimates import FOLDS, folds_of, weighted_error
from lab.evaluation.ratings.exposure import learn_exposure
from lab.evaluation.ratings.factorisation import FactorisationConfig, Numbers, factorise
from lab.evaluation.ratings.reading import RatingLog

Progress = Callable[[str, int, int], None]

GRID: Mapping[str, Sequence[float]] = {
    "weight_power": (0.5, 0.0, 0.25, 0.75, 1.0),
    "item_bias": (0.25, 0.15, 0.4),
    "user_bias": (0.5, 0.35, 0.7),
    "vector": (0.2, 0.1, 0.3, 0.45),
    "rank": (4, 8),
    "most_weight": (10.0, 4.0),
}
"""Settings to try, one after the other, each with the best of those before; the first of each is where it begins."""
_LEVEL_PRIOR = 50.0
"""Ratings that the prior of an unchanged level and spread counts for."""


@dataclass(frozen=True)
class Level:
    """`shift + scale · predicted`, and the range of the ratings."""

    shift: float
    scale: float
    low: float
    high: float

    def apply(self, predicted: Numbers) -> Numbers:
        """Predictions on the ratings' scale."""
        return np.clip(self.shift + self.scale * predicted, self.low, self.high)


@dataclass(frozen=True)
class Recipe:
    """What was chosen."""

    config: FactorisationConfig
    level: Level
    exposed: bool
    """Whether exposure helped, and is used."""


@dataclass(frozen=True)
class Choosing:
    """How the choice is made."""

    seed: int = 1
    exposed: bool = True
    """False: propensities weigh ratings and say nothing else, as in the paper."""
    grid: Mapping[str, Sequence[float]] = field(default_factory=lambda: GRID)
    progress: Progress = field(default=lambda what, done, total: None, repr=False)


@dataclass(frozen=True)
class _Part:
    """One fold."""

    training: RatingLog
    held_out: NDArray[np.int64]
    exposure: Numbers | None
    """Learnt without the fold."""


def predict_all(log: RatingLog, choosing: Choosing | None = None) -> Numbers:
    """`[users, items]` ratings of all pairs, chosen and trained on the given ones, within their range."""
    choosing = choosing or Choosing()
    recipe = choose(log, choosing)
    exposure = learn_exposure(log, choosing.seed) if recipe.exposed else None
    return recipe.level.apply(factorise(log, recipe.config, choosing.seed, exposure).predict())


def choose(log: RatingLog, choosing: Choosing) -> Recipe:
    """The settings with the least propensity-weighted error on ratings held out in turn."""
    parts = _parts(log, choosing)
    known = log.propensities is not None
    grid = {name: values for name, values in choosing.grid.items() if known or "weight" not in name}
    first: dict[str, float] = {name: values[0] for name, values in grid.items()}
    best = replace(FactorisationConfig(), **first)  # type: ignore[arg-type]
    predicted = _out_of_fold(log, best, parts, choosing.seed)
    exposed = any(part.exposure is not None for part in parts)
    if exposed:
        unaware = [replace(part, exposure=None) for part in parts]
        found = _out_of_fold(log, best, unaware, choosing.seed)
        if weighted_error(log, found) < weighted_error(log, predicted):
            exposed, parts, predicted = False, unaware, found
    for done, (name, values) in enumerate(grid.items(), start=1):
        for value in values[1:]:
            config = replace(best, **{name: value})  # type: ignore[arg-type]
            found = _out_of_fold(log, config, parts, choosing.seed)
            if weighted_error(log, found) < weighted_error(log, predicted):
                best, predicted = config, found
        choosing.progress("settings", done, len(grid))
    return Recipe(best, fit_level(log, predicted), exposed)


def _parts(log: RatingLog, choosing: Choosing) -> list[_Part]:
    folds = folds_of(log, choosing.seed)
    parts = []
    for number in range(FOLDS):
        training = log.take(np.flatnonzero(folds != number))
        exposure = learn_exposure(training, choosing.seed) if choosing.exposed else None
        parts.append(_Part(training, np.flatnonzero(folds == number), exposure))
        choosing.progress("folds prepared", number + 1, FOLDS)
    return parts


def _out_of_fold(log: RatingLog, config: FactorisationConfig, parts: Sequence[_Part], seed: int) -> Numbers:
    """`[N]` predictions of each rating by a model that was trained without its fold."""
    predicted = np.empty(len(log))
    for part in parts:
        fitted = factorise(part.training, config, seed, part.exposure)
        predicted[part.held_out] = fitted.at(log.users[part.held_out], log.items[part.held_out])
    return predicted


def fit_level(log: RatingLog, predicted: Numbers) -> Level:
    """Weighted regression of ratings on predictions of models that had not seen them, drawn towards no change."""
    weights = log.weights
    centre = float(np.average(log.ratings, weights=weights))
    away, target = predicted - centre, log.ratings - predicted
    design = np.column_stack([np.ones(len(log)), away])
    prior = _LEVEL_PRIOR * np.diag([1.0, float(np.average(away**2, weights=weights)) + 1e-9])
    moved = np.linalg.solve((design * weights[:, None]).T @ design + prior, (design * weights[:, None]).T @ target)
    scale = 1.0 + float(moved[1])
    shift = centre + float(moved[0]) - scale * centre
    return Level(shift, scale, float(log.ratings.min()), float(log.ratings.max()))
