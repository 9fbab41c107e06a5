"""Neighbours by vectors where items newer than the release take part: as candidates, and as what a pool starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import IMAGE_SIZE
from services.ranker.pool_filter import Through
from services.ranker.pools import NONE, FilledPool, Ground, Pool
from services.ranker.ranker_release import RankerRelease
from services.ranker.source import ACTION_WEIGHTS, HALF_LIFE_DAYS, Allowed, best_rows
from services.ranker.visitor import Visitor

SPACES: Mapping[str, slice] = {"visual": slice(0, IMAGE_SIZE), "content": slice(IMAGE_SIZE, None)}
"""Sources that compare vectors, and their part of a content vector."""

FRESH_SHARE = 0.25
"""At most this share of a pool of neighbours is items newer than the release, so that they join without taking over."""


@dataclass(frozen=True)
class VectorSeeds:
    """What a pool of neighbours starts from, known and fresh items alike; those without a vector are left out."""

    item_ids: Sequence[str]
    weights: NDArray[np.float32]
    """`[s]`, add up to 1."""
    vectors: NDArray[np.float32]
    """`[s, 64]` of length 1."""
    any_fresh: bool
    """Whether one of them is newer than the release."""

    def compare(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """`[n]` weighted mean of the cosines with `[n, 64]` unit vectors, and the seed that speaks most for each."""
        weighted = (vectors @ self.vectors.T) * self.weights
        return weighted.sum(axis=1), weighted.argmax(axis=1).astype(np.int32)


@dataclass(frozen=True)
class FreshNeighbours:
    """Fresh items like the seeds, best first."""

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]
    via: Sequence[str]
    """Item id of the seed that speaks most for each."""


def vector_seeds(pool: Pool, ground: Ground) -> VectorSeeds:
    """The pool's seeds, weight 1 each, or else the visitor's history."""
    weights = dict.fromkeys(pool.seed_item_ids, 1.0) or history_weights(ground.visitor)
    item_ids = list(weights)
    vectors = ground.release.vectors(item_ids)[:, SPACES[pool.source]]
    real = np.flatnonzero(vectors.any(axis=1))
    chosen = np.array(list(weights.values()), np.float32)[real]
    return VectorSeeds(
        [item_ids[place] for place in real.tolist()],
        chosen / np.float32(max(float(chosen.sum()), 1e-9)),
        vectors[real],
        bool((ground.release.vocabulary.rows(item_ids)[real] < 0).any()),
    )


def history_weights(visitor: Visitor) -> dict[str, float]:
    """What the visitor's actions say of liking each item, recent ones more."""
    weights: dict[str, float] = {}
    for action in visitor.recent_actions:
        weight = ACTION_WEIGHTS.get(action.action, 0.0)
        if weight:
            decay = 0.5 ** (max(action.age_days, 0.0) / HALF_LIFE_DAYS)
            weights[action.item_id] = weights.get(action.item_id, 0.0) + weight * decay
    return weights


def by_vectors(pool: Pool, ground: Ground, seeds: VectorSeeds, allowed: Allowed) -> FilledPool:
    """The release's items nearest to the seeds, of those that are allowed."""
    release = ground.release
    few = allowed.few()
    rows = np.flatnonzero(allowed.mask()).astype(np.int32) if few is None else few
    rows = rows[~np.isin(rows, release.vocabulary.rows(seeds.item_ids))]
    scores, via = seeds.compare(release.content[rows, SPACES[pool.source]])
    best = best_rows(scores, scores > 0.0, pool.limit)
    return FilledPool(
        pool_id=pool.pool_id,
        positions=ground.items.rows.positions(rows[best]),
        scores=scores[best],
        stand_in=release.p_click(pool.source, scores[best]),
        evidence=via[best],
        seeds=seeds.item_ids,
    )


def fresh_neighbours(pool: Pool, ground: Ground, seeds: VectorSeeds, allowed: Through) -> FreshNeighbours:
    """The fresh items nearest to the seeds, of those that are allowed."""
    fresh = ground.items.rows.fresh_positions()
    fresh = fresh[~np.isin(fresh, ground.items.catalogue.positions(seeds.item_ids))]
    fresh = fresh[allowed.check(fresh)]
    if not len(fresh) or not len(seeds.item_ids):
        return FreshNeighbours(fresh[:0], np.zeros(0, np.float32), ())
    item_ids = ground.items.catalogue.item_ids
    scores, via = seeds.compare(
        ground.release.fresh.content([item_ids[position] for position in fresh.tolist()])[:, SPACES[pool.source]]
    )
    best = best_rows(scores, scores > 0.0, max(int(pool.limit * FRESH_SHARE), 1))
    return FreshNeighbours(fresh[best], scores[best], [seeds.item_ids[place] for place in via[best].tolist()])


def merged(pool: Pool, known: FilledPool, fresh: FreshNeighbours, release: RankerRelease) -> FilledPool:
    """Both by descending score."""
    if not len(fresh.positions):
        return known
    place = {item_id: index for index, item_id in enumerate(known.seeds)}
    evidence = np.array([place.get(item_id, NONE) for item_id in fresh.via], np.int32)
    scores = np.concatenate([known.scores, fresh.scores])
    order = np.argsort(-scores, kind="stable")[: pool.limit]
    return FilledPool(
        pool_id=pool.pool_id,
        positions=np.concatenate([known.positions, fresh.positions])[order],
        scores=scores[order],
        stand_in=np.concatenate([known.stand_in, release.p_click(pool.source, fresh.scores)])[order],
        evidence=np.concatenate([known.evidence, evidence])[order],
        seeds=known.seeds,
    )
