"""Which model, with which settings: chosen by each user's newest item, held out inside the training file."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.held_out import AT, BATCH, HeldOut, NextItemMeasure, hold_out_newest
from lab.leaderboard.histories import Histories
from lab.leaderboard.mixture import Part, comparable
from lab.leaderboard.model import AUTO, Model, NothingToLearnError, Training, module_of, names, train
from lab.leaderboard.ranking import gains, hits
from lab.leaderboard.shortlists import best_weights, shortlists

Settings = Mapping[str, Any]

_SHORT: Settings = {"recency_steps": 2.0}
_LONG: Settings = {"recency_steps": 8.0, "distance_steps": 12.0, "backward": 0.6, "target_power": 0.3}
_MORE_FACTORS: Settings = {"factors": 256}
GRIDS: Mapping[str, Sequence[Settings]] = {
    "als": ({}, {"regularisation": 20.0}, _MORE_FACTORS, {**_MORE_FACTORS, "regularisation": 20.0}),
    "content": ({}, {"recency_steps": 8.0, "popularity_power": 0.0}),
    "ease": ({"regularisation": 100.0}, {"regularisation": 300.0}, {"regularisation": 1_000.0}),
    "gru": ({}, {"dropout": 0.4}),
    "item_cf": ({}, _SHORT, {**_LONG, "source_power": 0.8}),
    "mf_sgd": ({}, {"passes": 60}),
    "sequence_knn": ({}, _SHORT, {**_LONG, "rarity_power": 0.8}),
    "sasrec": ({"members": 1},),
    "sequence_linear": ({}, {"recency_steps": 8.0, "source_steps": 8.0}),
    "two_tower": ({}, {"half_life_items": 2.0}),
    "user_cf": ({}, {"neighbours": 50}, {"sharpness": 2.0}, {"neighbours": 100, "target_power": 0.4}),
}
"""Settings that are tried, by model; the defaults where there is nothing here. What depends on the data most, and few:
every one is a training. Purchases go on from the newest items, listening from the last dozen. A single
network is mixed: the time is better spent on models that differ. Of als and user_cf these are the settings that moved
NDCG@10 on lastfm's validation items by a tenth: .0442 with als' defaults, .0514 with the last here; .0424 with those of
user_cf, .0529 with its last. A training of gru or two_tower takes minutes: one other setting each.
"""
COMPONENTS = ("item_cf", "sequence_knn", "knowledge_graph", "content", "sequence_linear", "sasrec")
"""What `auto` tries and mixes, as far as it is there: cheap models that differ, and the strongest deep one."""
OF_ATTRIBUTES = ("knowledge_graph", "content")
"""Models that are tried only where attributes of items are known."""
OF_STEPS = ("sasrec",)
"""Models that learn from one item after another, and from nothing else."""
BLEND = "blend"
SAMPLE = 4_000
"""Users that choices are made on: the NDCG@10 of so many has a standard error of about .003."""
LEAST_WEIGHT = 0.02
"""Parts of a mixture below this are left out: they cost more than they tell."""
MOST_ITEMS = 30_000
"""Models with a number for every pair of items are left out of `auto` beyond this: 3.6 GB."""
SQUARE = ("ease", "sequence_linear")


class NothingHeldOutError(NothingToLearnError):
    """Histories in which nobody has two items."""


@dataclass(frozen=True)
class Trial:
    """A model with settings, on held-out items."""

    part: Part
    label: str
    hits: float
    """HR@10."""
    gains: float
    """NDCG@10."""
    cpu_seconds: float


@dataclass(frozen=True)
class Selection:
    """What was tried and what was chosen."""

    trials: list[Trial]
    parts: tuple[Part, ...]
    """One model, or several to mix; their weights add up to 1."""
    users: int
    """That it was chosen on."""


def components(known: Histories, attributes: bool) -> list[str]:
    """The models that `auto` tries on these histories."""
    left_out = set(() if attributes else OF_ATTRIBUTES)
    if known.item_count > MOST_ITEMS:
        left_out |= set(SQUARE)
    if not (known.sizes > 1).any():
        left_out |= set(OF_STEPS)
    there = names()
    return [name for name in COMPONENTS if name in there and name not in left_out]


def select(name: str, histories: Histories, training: Training) -> Selection:
    """Try a model's settings, or, for `auto` and the blend, those of all components and a mixture of the best.

    Raises: NothingToLearnError; UnknownModelError.
    """
    known, held = hold_out_newest(histories)
    if not len(held):
        raise NothingHeldOutError("no user has two items, so nothing can be held out to choose by")
    held = held.sample(SAMPLE)
    mixed = name in (AUTO, BLEND)
    chosen = components(known, training.attributes is not None) if mixed else [name]
    trials: list[Trial] = []
    best: list[Trial] = []
    scores: list[NDArray[np.float32]] = []
    for place, each in enumerate(chosen):
        training.progress(f"choosing, {each}", place, len(chosen))
        tried, found = _try_all(each, known, held, training)
        trials += tried
        best.append(max(tried, key=lambda trial: trial.gains))
        scores.append(found)
    training.progress("choosing", len(chosen), len(chosen))
    if len(chosen) == 1:
        return Selection(trials, (best[0].part,), len(held))
    return _mixed(trials, best, scores, held)


def best_settings(name: str, train_on: Histories, held: HeldOut, training: Training) -> Part:
    """The settings with the highest NDCG@10 on held-out items that are not in `train_on`.

    `training.measure` may be given, to see what models are measured at while they learn: it answers that same NDCG@10.
    """
    if name == BLEND:
        return Part(BLEND)
    tried, _ = _try_all(name, train_on, held.sample(SAMPLE), training)
    return max(tried, key=lambda trial: trial.gains).part


def _mixed(trials: list[Trial], best: list[Trial], scores: list[NDArray[np.float32]], held: HeldOut) -> Selection:
    started_s = time.process_time()
    lists = shortlists(scores, held)
    weights = best_weights(lists)
    weights = np.where(weights >= LEAST_WEIGHT, weights, 0.0)
    weights /= weights.sum()
    ranks = lists.ranks(weights)
    parts = tuple(
        replace(trial.part, weight=float(round(weight, 4)))
        for trial, weight in zip(best, weights, strict=True)
        if weight
    )
    label = " + ".join(f"{part.weight:.2f} {part.name}" for part in parts)
    cpu_seconds = time.process_time() - started_s
    mixture = Trial(Part(BLEND), label, float(hits(ranks, AT).mean()), float(gains(ranks, AT).mean()), cpu_seconds)
    return Selection([*trials, mixture], parts, len(held))


def _try_all(name: str, known: Histories, held: HeldOut, training: Training) -> tuple[list[Trial], NDArray[np.float32]]:
    """Every settings of a model, and the comparable scores `[users, items]` of the best."""
    module_of(name)
    trials: list[Trial] = []
    scores = np.empty((0, 0), np.float32)
    for settings in GRIDS.get(name, ({},)):
        started_s = time.process_time()
        measure = training.measure or NextItemMeasure(held)
        model = train(name, known, replace(training, measure=measure, epochs=None), settings)
        ranks = held.ranks(model)
        part = Part(name, settings, epochs=getattr(model, "epochs", None))
        trial = Trial(
            part,
            str(part),
            float(hits(ranks, AT).mean()),
            float(gains(ranks, AT).mean()),
            time.process_time() - started_s,
        )
        if not trials or trial.gains > max(each.gains for each in trials):
            scores = _scores(model, held)
        trials.append(trial)
    return trials, scores


def _scores(model: Model, held: HeldOut) -> NDArray[np.float32]:
    found = np.empty((len(held), held.histories.item_count), np.float32)
    for first in range(0, len(held), BATCH):
        users = np.arange(first, min(first + BATCH, len(held)))
        found[users] = comparable(model.score(held.histories.take(users)))
    return found
