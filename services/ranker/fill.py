"""Filling pools: from what a pool asks to candidates, whichever source it names.

Sources think in rows of the release's vocabulary; items newer than the release join by their vectors and their age.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.ranker.fresh_neighbours import (
    SPACES,
    by_vectors,
    fresh_neighbours,
    merged,
    vector_seeds,
)
from services.ranker.pool_filter import Masks
from services.ranker.pools import CATALOGUE, GIVEN, NONE, FilledPool, Ground, Pool
from services.ranker.ranker_release import DAY_S, NEW_SCALE_DAYS
from services.ranker.source import Retrieved, best_places

NEW = "new"


def fill(pools: Sequence[Pool], ground: Ground) -> list[FilledPool]:
    """Fill every pool, in order."""
    masks = Masks(ground.items, ground.now_s)
    return [_with_words(_fill(pool, ground, masks), pool.filter.query, ground) for pool in pools]


def _fill(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    if pool.source == GIVEN:
        return _given(pool, ground, masks)
    if pool.source == CATALOGUE:
        return _kept(pool, ground, masks) if _is_everybodys(pool) else _from_catalogue(pool, ground, masks)
    if pool.source == NEW:
        return _newest(pool, ground, masks)
    if pool.source not in ground.release.sources:
        return _nothing(pool)
    if pool.source in SPACES:
        return _from_neighbours(pool, ground, masks)
    return _from_source(pool, ground, masks)


def _with_words(filled: FilledPool, query: str, ground: Ground) -> FilledPool:
    if not query:
        return filled
    return replace(filled, words=ground.items.catalogue.words.match(query)[filled.positions])


def _given(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    """The items as given, in their order, without those that are gone or filtered."""
    positions = ground.items.catalogue.positions(dict.fromkeys(pool.item_ids))
    positions = positions[positions >= 0]
    positions = positions[masks.positions(pool.filter).check(positions)][: pool.limit]
    return _plain(pool, positions, _declining(len(positions)), ground)


@lru_cache(maxsize=512)
def _declining(count: int) -> NDArray[np.float32]:
    """Scores of items in the order given, from 1 to a half."""
    scores = np.linspace(1.0, 0.5, count, dtype=np.float32)
    scores.flags.writeable = False
    return scores


def _is_everybodys(pool: Pool) -> bool:
    """Whether others ask for the same, at other times too."""
    wanted = pool.filter
    return not wanted.query and not wanted.excluded_item_ids and wanted.maximum_age_days is None


def _kept(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    catalogue, kept = ground.items.catalogue, ground.release.kept_pools
    found = kept.of(catalogue, pool.filter, pool.limit, lambda: _from_catalogue(pool, ground, masks))
    return replace(found, pool_id=pool.pool_id)


def _from_catalogue(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    """Every item that passes the filter: by the share of the query's words, then by popularity."""
    positions = masks.positions(pool.filter).first(_most_popular(ground), pool.limit)
    weekly = ground.release.weekly_popularity(ground.items.rows.rows(positions))
    scores = weekly / np.float32(max(float(weekly.max(initial=0.0)), 1.0))
    if pool.filter.query:
        # Shares are whole numbers of words, and popularity never makes up for one.
        shares = ground.items.catalogue.words.match(pool.filter.query)[positions]
        scores = shares + scores / np.float32(2 * len(pool.filter.query))
    best = best_places(scores, pool.limit)
    return _plain(pool, positions[best], scores[best], ground)


def _newest(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    """The newest items of the catalogue, whether the release knows them or not."""
    catalogue, postings = ground.items.catalogue, ground.items.catalogue.postings
    positions = masks.positions(pool.filter).first(postings.newest if postings else None, pool.limit)
    created_s = catalogue.created_s
    positions = positions[created_s[positions] > 0.0]
    age_days = np.maximum(ground.now_s - created_s[positions], 0.0) / DAY_S
    best = best_places(-age_days.astype(np.float32), pool.limit)
    scores = np.exp(-age_days[best] / NEW_SCALE_DAYS).astype(np.float32)
    stand_in = ground.release.p_click(NEW, scores)
    return FilledPool(pool.pool_id, positions[best], scores, stand_in, np.full(len(best), NONE, np.int32))


def _from_source(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    release = ground.release
    seed_rows = release.vocabulary.rows(pool.seed_item_ids)
    if len(seed_rows) and seed_rows.max() < 0:
        return _nothing(pool)  # what the shelf starts from is newer than the source: the visitor's history is no answer
    source = release.sources[pool.source]
    from_history = source.uses_seeds and not len(seed_rows)
    seeds = ground.history if from_history else source.seeds(ground.visitor, seed_rows)
    found = source.retrieve(ground.visitor, seeds, masks.rows(pool.filter), pool.limit)
    return _known(pool, ground, found)


def _from_neighbours(pool: Pool, ground: Ground, masks: Masks) -> FilledPool:
    """Neighbours by picture or description, among the release's items and the fresh ones."""
    if not len(ground.items.rows.fresh_positions()):
        return _from_source(pool, ground, masks)
    seeds = vector_seeds(pool, ground)
    if seeds.any_fresh:
        known = by_vectors(pool, ground, seeds, masks.rows(pool.filter))
    else:
        known = _from_source(pool, ground, masks)
    fresh = fresh_neighbours(pool, ground, seeds, masks.positions(pool.filter))
    return merged(pool, known, fresh, ground.release)


def _most_popular(ground: Ground) -> NDArray[np.int32] | None:
    """Positions of a large catalogue by the release's popularity, the highest first; the rest are left out."""
    if ground.items.catalogue.postings is None:
        return None
    return ground.items.rows.positions(ground.release.rows_by_popularity).astype(np.int32)


def _known(pool: Pool, ground: Ground, found: Retrieved) -> FilledPool:
    item_ids = ground.release.vocabulary.item_ids
    return FilledPool(
        pool_id=pool.pool_id,
        positions=ground.items.rows.positions(found.rows),
        scores=found.scores,
        stand_in=found.p_click_if_seen,
        evidence=found.speakers,
        seeds=[item_ids[row] for row in found.seeds.tolist()],
        paths=found.paths,
    )


def _plain(pool: Pool, positions: NDArray[np.int64], scores: NDArray[np.float32], ground: Ground) -> FilledPool:
    """Candidates that no seed speaks for and whose stand-in is their popularity."""
    stand_in = ground.release.p_click_of_popularity(ground.items.rows.rows(positions))
    return FilledPool(pool.pool_id, positions, scores, stand_in, np.full(len(positions), NONE, np.int32))


def _nothing(pool: Pool) -> FilledPool:
    none = np.zeros(0, np.float32)
    return FilledPool(pool.pool_id, np.zeros(0, np.int64), none, none, np.zeros(0, np.int32))
