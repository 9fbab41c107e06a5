"""How a model of profiles is set up: on users who are held out inside what it is trained on, then trained on all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard import model as models
from lab.leaderboard.fold_in import NDCG, Fold, folds
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model, Training

LEAST_USERS = 10
WITHOUT_ORDER: Mapping[str, Mapping[str, float]] = {"als": {"recency_steps": 1e9}, "mf_sgd": {"recency_steps": 1e9}}
"""Models that go by order, with the settings that make them do without."""
GRIDS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "als": {"regularisation": (1.0, 3.0, 6.0, 12.0, 25.0, 50.0), "confidence": (2.0, 5.0, 10.0, 20.0)},
    "user_cf": {
        "target_power": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        "rarity_power": (0.0, 0.25, 0.5, 0.75),
        "sharpness": (0.5, 1.0, 2.0, 3.0),
    },
}
"""For models whose modules hold no `GRID`, because they are tuned otherwise elsewhere."""
_FOLDS, _HELD_OUT_SHARE, _MOST_HELD_OUT = 2, 0.2, 400
_MOST_ROUNDS = 3


class TooFewUsersError(ValueError):
    """There is nobody to hold out."""


@dataclass(frozen=True)
class Choice:
    """A model as it is to be trained, and how good it is on users it did not see."""

    name: str
    settings: Mapping[str, Any]
    """Fields of its configuration that are not the defaults."""
    epochs: int | None
    """How long it learns, where it learns in epochs."""
    ndcg: NDArray[np.float64]
    """`[users held out]` NDCG@100, fold after fold."""
    models: Sequence[Model] = field(repr=False)
    """One a fold, trained without the users it is judged by."""

    def train(self, histories: Histories, training: Training) -> Model:
        """Train it on all users, for as long as was found best."""
        learnt = Training(training.seed, training.attributes, None, self.epochs, training.progress)
        return models.train(self.name, histories, learnt, self.settings)


def inner_folds(histories: Histories, seed: int) -> list[Fold]:
    """The folds that choices are made by: two of 20 % of the users, at most 400.

    Raises: TooFewUsersError.
    """
    able = int((histories.sizes >= 2).sum())
    if able < LEAST_USERS:
        raise TooFewUsersError(f"{LEAST_USERS} users with two items or more are needed to learn from, not {able}")
    users = histories.take(np.flatnonzero(histories.sizes >= 2))
    held_out = int(np.clip(round(len(users) * _HELD_OUT_SHARE), 2, _MOST_HELD_OUT))
    return folds(users, _FOLDS, held_out, seed)


def choose(name: str, held: Sequence[Fold], training: Training) -> Choice:
    """Choose the settings that the model's `GRID` offers, and how long it learns.

    A grid is climbed: from the default, one field after another goes up or down as long as the mean NDCG@100 grows,
    until no field moves. A model without a grid learns with its defaults on each fold.

    Raises: UnknownModelError.
    """
    trial = _Trial(name, held, training)
    grid: Mapping[str, Sequence[float]] = getattr(models.module_of(name), "GRID", GRIDS.get(name, {}))
    start = {each: _nearest(values, getattr(trial.defaults, each)) for each, values in grid.items()}
    found = {each: grid[each][place] for each, place in trial.climb(grid, start).items()} if start else {}
    found = {**found, **WITHOUT_ORDER.get(name, {})}
    trained = [trial.train(fold, found) for fold in held]
    epochs = [epoch for model in trained if (epoch := getattr(model, "epochs", None))]
    ndcg = np.concatenate([fold.judging.measure(model)[NDCG] for fold, model in zip(held, trained, strict=True)])
    return Choice(name, found, round(float(np.mean(epochs))) if epochs else None, ndcg, trained)


class _Trial:
    """A model tried with several settings on the same folds; nothing is tried twice."""

    def __init__(self, name: str, held: Sequence[Fold], training: Training) -> None:
        self.defaults = models.module_of(name).Config()
        self._name, self._held, self._training = name, held, training
        self._known: dict[tuple[tuple[str, int], ...], float] = {}

    def train(self, fold: Fold, settings: Mapping[str, Any]) -> Model:
        own = self._training
        return models.train(
            self._name,
            fold.training,
            Training(own.seed, own.attributes, fold.judging.ndcg, None, own.progress),
            settings,
        )

    def climb(self, grid: Mapping[str, Sequence[float]], start: Mapping[str, int]) -> dict[str, int]:
        """From places in the grid to the best ones."""
        places = dict(start)
        for _ in range(_MOST_ROUNDS):
            before = dict(places)
            for name in start:
                places = self._best_of(name, grid, places)
            if places == before:
                break
        return places

    def _best_of(self, name: str, grid: Mapping[str, Sequence[float]], places: dict[str, int]) -> dict[str, int]:
        for step in (1, -1):
            moved = False
            while 0 <= places[name] + step < len(grid[name]):
                next_places = {**places, name: places[name] + step}
                if self._ndcg(grid, next_places) <= self._ndcg(grid, places):
                    break
                places, moved = next_places, True
            if moved:
                break
        return places

    def _ndcg(self, grid: Mapping[str, Sequence[float]], places: Mapping[str, int]) -> float:
        key = tuple(sorted(places.items()))
        if key not in self._known:
            settings = {name: grid[name][place] for name, place in places.items()}
            settings = {**settings, **WITHOUT_ORDER.get(self._name, {})}
            ndcg = [fold.judging.measure(self.train(fold, settings))[NDCG] for fold in self._held]
            self._known[key] = float(np.concatenate(ndcg).mean())
            self._training.progress(
                f"settings of {self._name}, NDCG@100 {max(self._known.values()):.4f}", len(self._known), 0
            )
        return self._known[key]


def _nearest(values: Sequence[float], wanted: float) -> int:
    return int(np.argmin([abs(value - wanted) for value in values]))
