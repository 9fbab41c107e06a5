"""Scored candidates of a page in columns, and each proposal's pool as positions in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import NONE, Floats, Ints
from services.page_composer.item_index import ItemIndex


@dataclass(frozen=True)
class Candidates:
    """The union of all pools. Entry k of every column is the same item, and each item is there once."""

    rows: Ints
    """`[n]` rows of the item index."""
    p_click: Floats
    """`[n]` P(click | examined)."""
    p_purchase: Floats
    """`[n]` P(click and purchase | examined)."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FilledPool:
    """One proposal's candidates, best first."""

    positions: Ints
    """`[m]` positions in Candidates."""
    speakers: Sequence[str] = ()
    """For each, the seed that speaks most for it; empty texts, or nothing at all, where there is none."""


@dataclass(frozen=True)
class Scored:
    """What came back for a page's pools."""

    candidates: Candidates
    pools: Sequence[FilledPool]
    """In the order of the proposals."""
    unknown_item_ids: tuple[str, ...] = ()
    """Named by the ranker and not in this composer's index, so nothing true can be said of them."""
    model_version: int = 0
    static: bool = False
    """True when everything is of the release's fallback: what is shown is the static page."""


@dataclass(frozen=True)
class ScoredPools:
    """Scored pools by item id and pool id, free of any one state of the item index. What is cached and decoded."""

    item_ids: tuple[str, ...]
    p_click: Floats
    p_purchase: Floats
    pools: dict[str, tuple[Ints, tuple[str, ...]]]
    """By pool id: positions in item_ids, and the seed that speaks most for each (or nothing)."""
    model_version: int = 0


_EMPTY: tuple[Ints, tuple[str, ...]] = (np.zeros(0, np.int64), ())


def located(answer: ScoredPools, pool_ids: Iterable[str], index: ItemIndex) -> Scored:
    """Find the items in the index. Pools that the answer lacks come back empty; non-finite scores sink to 0."""
    rows = index.rows(answer.item_ids)
    known = rows >= 0
    if known.all():
        return _as_answered(answer, pool_ids, rows)
    renumbered = np.where(known, np.cumsum(known) - 1, NONE)
    pools = []
    for pool_id in pool_ids:
        positions, speakers = answer.pools.get(pool_id, _EMPTY)
        moved = renumbered[positions]
        kept = moved >= 0
        speakers = tuple(each for each, keep in zip(speakers, kept.tolist(), strict=True) if keep) if speakers else ()
        pools.append(FilledPool(moved[kept], speakers))
    return Scored(
        candidates=Candidates(rows[known], sunk(answer.p_click[known]), sunk(answer.p_purchase[known])),
        pools=pools,
        unknown_item_ids=tuple(answer.item_ids[k] for k in np.flatnonzero(~known).tolist()),
        model_version=answer.model_version,
    )


def _as_answered(answer: ScoredPools, pool_ids: Iterable[str], rows: Ints) -> Scored:
    """The usual case: every item is in the index, so that no position moves."""
    return Scored(
        candidates=Candidates(rows, sunk(answer.p_click), sunk(answer.p_purchase)),
        pools=[FilledPool(*answer.pools.get(pool_id, _EMPTY)) for pool_id in pool_ids],
        model_version=answer.model_version,
    )


def sunk(probabilities: Floats) -> Floats:
    """Probabilities within 0 and 1; what is not finite becomes 0 and so stands last."""
    return np.clip(np.nan_to_num(probabilities, nan=0.0, posinf=0.0, neginf=0.0), 0.0, 1.0)
