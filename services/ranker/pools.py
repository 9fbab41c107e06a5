"""Filling pools: from what a pool asks to candidates, whichever source it names.

Candidates are catalogue positions; sources think in rows of the release's vocabulary, and items newer than the release
join through their vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import IMAGE_SIZE
from services.ranker.pool_filter import PoolFilter, allowed
from services.ranker.ranker_release import Items, RankerRelease
from services.ranker.requests import CATALOGUE, GIVEN
from services.ranker.source import Retrieved
from services.ranker.visitor import Visitor

FRESH_SHARE = 0.25
"""At most this share of a pool of neighbours is items newer than the release, so that they join without taking over."""


NONE = -1
"""Evidence of a candidate that no seed speaks for."""


@dataclass(frozen=True)
class Pool:
    """What a shelf asks for; see ranker.proto."""

    pool_id: str
    source: str
    seed_item_ids: Sequence[str] = ()
    item_ids: Sequence[str] = ()
    filter: PoolFilter = field(default_factory=PoolFilter)
    limit: int = 100


@dataclass(frozen=True)
class FilledPool:
    """A pool's candidates, best first, in columns of one length."""

    pool_id: str
    positions: NDArray[np.int64]
    """`[n]` catalogue positions, each once."""
    scores: NDArray[np.float32]
    """`[n]` the source's own scores, descending."""
    stand_in: NDArray[np.float32]
    """`[n]` P(click | examined) as the source alone would say, for when the model cannot."""
    evidence: NDArray[np.int32]
    """`[n]` index into seeds of what speaks most for the candidate; −1 when nothing does."""
    seeds: Sequence[str]
    """Item ids of the seeds used."""
    paths: Sequence[str]
    """Of `n` or 0 paths in words."""


@dataclass(frozen=True)
class Ground:
    """What pools are filled on: one visitor, one release, one state of the items."""

    visitor: Visitor
    release: RankerRelease
    items: Items
    now_s: float


def fill(pool: Pool, ground: Ground) -> FilledPool:
    """Fill one pool."""
    mask = allowed(ground.items.catalogue, pool.filter, ground.now_s)
    if pool.source == GIVEN:
        return _given(pool, ground, mask)
    if pool.source == CATALOGUE:
        return _from_catalogue(pool, ground, mask)
    return _from_source(pool, ground, mask)


def _given(pool: Pool, ground: Ground, mask: NDArray[np.bool_]) -> FilledPool:
    """The items as given, in their order, without those that are gone or filtered."""
    positions = ground.items.catalogue.positions(dict.fromkeys(pool.item_ids))
    positions = positions[positions >= 0]
    positions = positions[mask[positions]][: pool.limit]
    return _plain(pool, positions, np.linspace(1.0, 0.5, len(positions), dtype=np.float32), ground)


def _from_catalogue(pool: Pool, ground: Ground, mask: NDArray[np.bool_]) -> FilledPool:
    """Every item that passes the filter: by the share of the query's words, then by popularity."""
    positions = np.flatnonzero(mask)
    popularity = ground.release.popularity(ground.items.rows.rows(positions))[:, 1]
    scores = popularity / np.float32(max(float(popularity.max(initial=0.0)), 1.0))
    if pool.filter.query:
        scores = scores + ground.items.catalogue.words.match(pool.filter.query)[positions]
    best = np.argsort(-scores, kind="stable")[: pool.limit]
    return _plain(pool, positions[best], scores[best].astype(np.float32), ground)


def _plain(pool: Pool, positions: NDArray[np.int64], scores: NDArray[np.float32], ground: Ground) -> FilledPool:
    stand_in = ground.release.stand_in_of_popularity(ground.items.rows.rows(positions))
    nothing = np.full(len(positions), NONE, np.int32)
    return FilledPool(pool.pool_id, positions, scores, stand_in, nothing, (), ())


def _from_source(pool: Pool, ground: Ground, mask: NDArray[np.bool_]) -> FilledPool:
    release, rows = ground.release, ground.items.rows
    found = release.sources[pool.source].retrieve(
        ground.visitor, release.vocabulary.rows(pool.seed_item_ids), rows.rows_allowed(mask), pool.limit
    )
    known = FilledPool(
        pool_id=pool.pool_id,
        positions=rows.positions(found.rows),
        scores=found.scores,
        stand_in=found.p_click_if_seen,
        evidence=_evidence(found),
        seeds=[release.vocabulary.item_ids[row] for row in found.seeds.tolist()],
        paths=found.paths,
    )
    return _with_fresh(pool, ground, mask, known)


def _evidence(found: Retrieved) -> NDArray[np.int32]:
    """`[n]` place in the seeds of the seed that each candidate came by."""
    place = {row: index for index, row in enumerate(found.seeds.tolist())}
    return np.array([place.get(row, NONE) for row in found.via.tolist()], np.int32)


def _with_fresh(pool: Pool, ground: Ground, mask: NDArray[np.bool_], known: FilledPool) -> FilledPool:
    """Let items newer than the release join sources that can see them: by picture, by text, by being new."""
    fresh = ground.items.rows.fresh_positions()
    fresh = fresh[mask[fresh]] if len(mask) else fresh[:0]
    if not len(fresh) or pool.source not in ("visual", "content", "new"):
        return known
    if pool.source == "new":
        scores = (
            1.0 / (1.0 + np.maximum(ground.now_s - ground.items.catalogue.created_s[fresh], 0.0) / 86_400.0)
        ).astype(np.float32)
        evidence = np.full(len(fresh), NONE, np.int32)
        most = pool.limit
    else:
        scores, evidence = _resemblance(pool.source, fresh, known.seeds, ground)
        most = max(int(pool.limit * FRESH_SHARE), 1)
    best = np.argsort(-scores, kind="stable")
    best = best[scores[best] > 0.0][:most]
    return _merged(pool.limit, known, fresh[best], scores[best], evidence[best])


def _resemblance(
    source: str, fresh: NDArray[np.int64], seeds: Sequence[str], ground: Ground
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """`[fresh]` cosine to the nearest seed and which seed it is, in the picture or the text space."""
    part = slice(0, IMAGE_SIZE) if source == "visual" else slice(IMAGE_SIZE, None)
    release, item_ids = ground.release, ground.items.catalogue.item_ids
    if not seeds:
        return np.zeros(len(fresh), np.float32), np.full(len(fresh), NONE, np.int32)
    mine = _unit(release.fresh.content([item_ids[position] for position in fresh])[:, part])
    theirs = _unit(release.content[release.vocabulary.rows(seeds)][:, part])
    cosines = mine @ theirs.T
    nearest = cosines.argmax(axis=1).astype(np.int32)
    return cosines[np.arange(len(fresh)), nearest], nearest


def _merged(
    limit: int,
    known: FilledPool,
    positions: NDArray[np.int64],
    scores: NDArray[np.float32],
    evidence: NDArray[np.int32],
) -> FilledPool:
    """Both by descending score; a fresh item stands in with the pool's median."""
    if not len(positions):
        return known
    usual = float(np.median(known.stand_in)) if len(known.stand_in) else 0.0
    all_scores = np.concatenate([known.scores, scores])
    order = np.argsort(-all_scores, kind="stable")[:limit]
    paths = [*known.paths, *[""] * len(positions)] if known.paths else ()
    return FilledPool(
        pool_id=known.pool_id,
        positions=np.concatenate([known.positions, positions])[order],
        scores=all_scores[order],
        stand_in=np.concatenate([known.stand_in, np.full(len(positions), usual, np.float32)])[order],
        evidence=np.concatenate([known.evidence, evidence])[order],
        seeds=known.seeds,
        paths=[paths[index] for index in order] if paths else (),
    )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
