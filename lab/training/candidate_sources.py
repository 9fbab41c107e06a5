"""Trains every candidate source and finds out what its scores are worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.training.logged_pages import LoggedPage
from lab.training.shop_data import DAY_US, EventColumns, ShopData
from services.ranker.model.normalisation import country
from services.ranker.source import ACTION_WEIGHTS
from services.ranker.sources import SOURCES, load_source
from services.ranker.training.interactions import Interactions
from services.ranker.training.search_index import indexed
from services.ranker.training.source_calibration import fit_source_calibration
from services.ranker.training.sources import (
    als,
    content,
    item_cf,
    knowledge_graph,
    new,
    popular,
    two_tower,
    user_cf,
    visual,
)
from services.ranker.visitor import Visitor
from services.ranker.vocabulary import Vocabulary

Progress = Callable[[str, int, int], None]
Tables = dict[str, dict[str, NDArray[Any]]]

CALIBRATION_PAGES = 400


@dataclass(frozen=True)
class SourcePlan:
    """Which sources are made, and what they read beside interactions."""

    names: Sequence[str]
    vectors: NDArray[np.float32]
    """`[items, 128]` content of the items."""
    vocabulary: Vocabulary
    age_days: NDArray[np.float32]
    """`[items]`"""


def interactions_of(data: ShopData, before_us: int) -> Interactions:
    """What the shop's people did before a time, with their segments."""
    events = data.events
    counted = np.isin(events.action, list(ACTION_WEIGHTS)) & (events.item >= 0) & (events.occurred_us < before_us)
    chosen = np.flatnonzero(counted)
    return Interactions(
        users=events.subject[chosen],
        rows=events.item[chosen],
        actions=events.action[chosen],
        age_days=((before_us - events.occurred_us[chosen]) / DAY_US).astype(np.float32),
        segments=_segments(events, chosen),
        user_count=len(events.subjects),
        item_count=len(data.items),
    )


def _segments(events: EventColumns, chosen: NDArray[np.int64]) -> NDArray[np.str_]:
    """`[n, 2]` region and device of each event. A million events name a few regions: each is worked out once."""
    named = [events.region[event] for event in chosen.tolist()]
    code_of = {region: code for code, region in enumerate(dict.fromkeys(named))}
    codes = np.fromiter((code_of[region] for region in named), np.int64, len(named))
    regions = np.array([f"region:{country(region)}" if country(region) else "" for region in code_of] or [""], np.str_)
    devices = events.device[chosen]
    names = np.array([f"device:{device}" for device in range(int(devices.max(initial=0)) + 1)], np.str_)
    return np.stack([regions[codes].astype(np.str_), names[devices].astype(np.str_)], axis=1)


def train_sources(interactions: Interactions, plan: SourcePlan, progress: Progress) -> Tables:
    """The table of every planned source, by name, in the order planned."""
    vectors, vocabulary = plan.vectors, plan.vocabulary

    @cache
    def factors() -> dict[str, NDArray[Any]]:
        """Of als, which groups of users are found with too."""
        return als.train(interactions)

    trainers: dict[str, Callable[[], dict[str, NDArray[Any]]]] = {
        "item_cf": lambda: item_cf.train(interactions),
        "als": factors,
        "user_cf": lambda: user_cf.train(interactions, factors=factors()["item_factors"]),
        "two_tower": lambda: two_tower.train(interactions, vectors),
        "visual": lambda: visual.train(vectors),
        "content": lambda: content.train(vectors, vocabulary),
        "knowledge_graph": lambda: knowledge_graph.train(interactions, vocabulary),
        "popular": lambda: popular.train(interactions),
        "new": lambda: new.train(plan.age_days),
    }
    if trainers.keys() != SOURCES.keys():
        raise AssertionError(f"sources without a trainer, or the other way round: {trainers.keys() ^ SOURCES.keys()}")
    tables: Tables = {}
    for done, name in enumerate(plan.names, start=1):
        tables[name] = indexed(name, trainers[name]())
        progress(f"source {name}", done, len(plan.names))
    return tables


def calibrate_sources(
    tables: Tables,
    vocabulary: Vocabulary,
    pages: Sequence[tuple[LoggedPage, Visitor]],
    examined: Mapping[int, NDArray[np.float32]],
) -> None:
    """Add to each table what its scores are worth, from pages that came after what it was trained on.

    `examined` gives, by the page's event number, P(examined) of each of its items.
    """
    for name, table in list(tables.items()):
        source = load_source(name, vocabulary, table)
        scores, clicked, weights = [], [], []
        for page, visitor in pages[-CALIBRATION_PAGES:]:
            seeds = source.seeds(visitor, np.zeros(0, np.int32))
            if source.uses_seeds and not len(seeds):
                continue
            scores.append(source.score(visitor, seeds).dense(len(vocabulary))[page.items])
            clicked.append(page.clicked)
            weights.append(examined[page.event])
        if scores:
            tables[name] = table | fit_source_calibration(
                np.concatenate(scores), np.concatenate(clicked), np.concatenate(weights)
            )
