"""Candidate tables of a synthetic release: as large as real ones, made in seconds instead of trained."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab.benchmark.catalogue_items import SyntheticItems
from services.ranker.sources import SOURCES
from services.ranker.training.interactions import Interactions
from services.ranker.training.search_index import indexed
from services.ranker.training.sources import content, knowledge_graph, new, popular, user_cf, visual
from services.ranker.vocabulary import Vocabulary

Table = dict[str, NDArray[Any]]

NEIGHBOURS = 60
"""Of an item in item_cf, as in training."""
FACTORS = 48
"""Of als and the two towers, as in training."""
MOST_ACTIONS = 1_000_000
ACTIONS_A_USER = 20
CLUSTERS_A_USER = 3
USERS_GROUPED = 3_000
"""Users that user_cf's groups are made of."""


@dataclass(frozen=True)
class Actions:
    """What made-up people did: each keeps to a few clusters and takes their popular items more often."""

    interactions: Interactions

    @classmethod
    def draw(cls, items: SyntheticItems) -> Self:
        """About five actions an item, a million at most."""
        random = np.random.default_rng([items.seed, 3])
        users = min(5 * len(items), MOST_ACTIONS) // ACTIONS_A_USER
        order = np.argsort(items.cluster, kind="stable")
        members = np.bincount(items.cluster)
        starts = np.cumsum(members) - members
        inhabited = np.flatnonzero(members)
        likes = random.choice(inhabited, (users, CLUSTERS_A_USER))
        of_action = np.repeat(np.arange(users), ACTIONS_A_USER)
        cluster = likes[of_action, random.integers(0, CLUSTERS_A_USER, len(of_action))]
        # The square of a uniform number: the first items of a cluster are its popular ones.
        place = (random.random(len(of_action)) ** 2 * members[cluster]).astype(np.int64)
        segments = np.stack(
            [random.choice(["region:DE", "region:ES"], len(of_action)), np.full(len(of_action), "device:1")], axis=1
        )
        return cls(
            Interactions(
                users=of_action.astype(np.int32),
                rows=order[starts[cluster] + place].astype(np.int32),
                actions=random.choice(np.array([2, 4, 5, 6, 7], np.int32), len(of_action)),
                age_days=random.uniform(0.0, 30.0, len(of_action)).astype(np.float32),
                segments=segments,
                user_count=users,
                item_count=len(items),
            )
        )

    def popularity(self) -> NDArray[np.float32]:
        """`[items, 3]` actions of 1, 7 and 30 days."""
        done = self.interactions
        windows = [done.age_days < days for days in (1, 7, 30)]
        counts = [np.bincount(done.rows[window], minlength=done.item_count) for window in windows]
        return np.stack(counts, axis=1).astype(np.float32)

    def of_first_users(self, users: int) -> Interactions:
        """Without the users from a number on."""
        done = self.interactions
        kept = done.users < users
        return Interactions(
            done.users[kept], done.rows[kept], done.actions[kept], done.age_days[kept], done.segments[kept],
            min(users, done.user_count), done.item_count,
        )  # fmt: skip


def source_tables(items: SyntheticItems, vocabulary: Vocabulary, actions: Actions) -> Iterator[tuple[str, Table]]:
    """The table of every source by name, one at a time: together they are larger than one should hold."""
    factors = _factors(items)
    steps: dict[str, Callable[[], Table]] = {
        "item_cf": lambda: _neighbours(items),
        "als": lambda: _als(factors),
        "user_cf": lambda: user_cf.train(actions.of_first_users(USERS_GROUPED), factors=factors),
        "two_tower": lambda: _two_tower(factors),
        "visual": lambda: visual.train(items.vectors),
        "content": lambda: content.train(items.vectors, vocabulary),
        "knowledge_graph": lambda: knowledge_graph.train(actions.interactions, vocabulary),
        "popular": lambda: popular.train(actions.interactions),
        "new": lambda: new.train(items.age_days),
    }
    if steps.keys() != SOURCES.keys():
        raise AssertionError(f"sources without a table, or the other way round: {steps.keys() ^ SOURCES.keys()}")
    for name, step in steps.items():
        table = indexed(name, step())
        table["calibration_scores"] = np.array([0.0, 1.0, 4.0], np.float32)
        table["calibration_p_click"] = np.array([0.01, 0.05, 0.2], np.float32)
        yield name, table


def _factors(items: SyntheticItems) -> NDArray[np.float32]:
    """`[items, 48]`: content projected at random, so that clusters stay clusters; popular items are longer."""
    random = np.random.default_rng([items.seed, 5])
    project = random.standard_normal((items.vectors.shape[1], FACTORS), np.float32) / np.float32(FACTORS**0.5)
    lengths = 0.3 + 0.2 * np.log1p(items.demand)
    return np.asarray((items.vectors @ project) * lengths[:, None], np.float32)


def _als(factors: NDArray[np.float32]) -> Table:
    gram = factors.T @ factors + 6.0 * np.eye(FACTORS, dtype=np.float32)
    return {"item_factors": factors, "gram": gram, "confidence": np.array(8.0, np.float32)}


def _two_tower(factors: NDArray[np.float32]) -> Table:
    return {
        "item_vectors": factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-9),
        "history_vectors": factors,
        "user_kernel": np.zeros((FACTORS, FACTORS), np.float32),
        "user_bias": np.zeros(FACTORS, np.float32),
        "temperature": np.array(0.1, np.float32),
    }


def _neighbours(items: SyntheticItems) -> Table:
    """Neighbours of an item: those that follow it in its cluster, going round."""
    order = np.argsort(items.cluster, kind="stable").astype(np.int32)
    members = np.bincount(items.cluster)
    starts = (np.cumsum(members) - members)[items.cluster[order]]
    sizes = members[items.cluster[order]]
    places = np.arange(len(order)) - starts
    neighbours = np.full((len(order), NEIGHBOURS), -1, np.int32)
    similarities = np.zeros((len(order), NEIGHBOURS), np.float32)
    for step in range(NEIGHBOURS):
        real = step + 1 < sizes
        target = order[starts[real] + (places[real] + step + 1) % sizes[real]]
        neighbours[order[real], step] = target
        similarities[order[real], step] = 0.6 / (1.0 + 0.1 * step)
    return {"neighbours": neighbours, "similarities": similarities}
