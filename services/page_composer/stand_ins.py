"""What stands in for the ranker: anonymous pools of the segment, cached; or the item index alone.

The table of all stand-ins is in the README. A person's own pools are never cached: what is cached was asked for nobody.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.candidates import ScoredPools
from services.page_composer.item_index import ItemIndex
from services.page_composer.pools import CATALOGUE, GIVEN, Pool, belongs
from services.page_composer.proposal import Proposal
from services.page_composer.visit import DAY_S, Device, Visit

INDEX_SOURCES = frozenset({CATALOGUE, "popular", "new"})
"""Sources that facts of the index can stand in for. The others speak of a person or of likeness; of those nothing
is claimed.
"""

PRIOR_P_CLICK = 0.02
PRIOR_PURCHASES_A_CLICK = 0.1
SEGMENTS_AT_MOST = 64


@dataclass(frozen=True)
class Segment:
    """Visits that share anonymous pools."""

    device: Device
    country: str = ""


def segment_of(visit: Visit) -> Segment:
    """The segment of a visit: its device and country."""
    return Segment(visit.device, visit.country)


@dataclass(frozen=True)
class SegmentPools:
    """Pools that were filled and scored for an anonymous visit of a segment."""

    asked: dict[str, Pool]
    """By pool id: what was asked."""
    answer: ScoredPools


class SegmentCache:
    """The newest anonymous pools of the segments of one shop; the segments seen last are kept."""

    def __init__(self) -> None:
        self._pools: dict[Segment, SegmentPools] = {}
        self._wanted: OrderedDict[Segment, None] = OrderedDict((Segment(device), None) for device in Device)

    def want(self, segment: Segment) -> None:
        """Note that visits of a segment come, so that its pools are warmed."""
        self._wanted[segment] = None
        self._wanted.move_to_end(segment)
        while len(self._wanted) > SEGMENTS_AT_MOST:
            dropped, _ = self._wanted.popitem(last=False)
            self._pools.pop(dropped, None)

    def wanted(self) -> list[Segment]:
        """The segments to warm."""
        return list(self._wanted)

    def put(self, segment: Segment, pools: SegmentPools) -> None:
        """Keep a segment's pools."""
        self._pools[segment] = pools

    def get(self, segment: Segment) -> SegmentPools | None:
        """The pools of a segment, else of its device anywhere, else of anybody; None when nothing is cached."""
        for wanted in (segment, Segment(segment.device)):
            if wanted in self._pools:
                return self._pools[wanted]
        return next(iter(self._pools.values()), None)


def pools_without_ranker(
    proposals: Sequence[Proposal],
    cached: SegmentPools | None,
    index: ItemIndex,
    popularity: Mapping[str, float],
    at_s: float,
) -> ScoredPools:
    """Fill what can be filled truly: given items from the index, other pools as cached for the segment, or from the
    index by the release's popularity (P(click | examined) by item) and by novelty.
    """
    prior = _prior_p_click(index, popularity, at_s)
    known = _Known(cached, index, prior)
    for proposal in proposals:
        pool = proposal.pool
        if pool.source == GIVEN:
            rows = index.rows(pool.given)
            known.add(proposal.section_id, rows[rows >= 0][: pool.limit])
        elif cached is not None and cached.asked.get(proposal.section_id) == pool:
            positions, _ = cached.answer.pools[proposal.section_id]
            rows = index.rows(cached.answer.item_ids[position] for position in positions.tolist())
            known.add(proposal.section_id, rows[rows >= 0])
        elif pool.source in INDEX_SOURCES and not pool.query:
            rows = np.flatnonzero(index.available)
            rows = rows[belongs(pool, index, rows, at_s)]
            known.add(proposal.section_id, rows[np.argsort(-prior[rows], kind="stable")][: pool.limit])
    return known.scored()


class _Known:
    """Gathers pools over one union of items."""

    def __init__(self, cached: SegmentPools | None, index: ItemIndex, prior: Floats) -> None:
        self._index = index
        self._p_click = prior.copy()
        self._p_purchase = prior * PRIOR_PURCHASES_A_CLICK
        if cached is not None:
            rows = index.rows(cached.answer.item_ids)
            there = rows >= 0
            self._p_click[rows[there]] = cached.answer.p_click[there]
            self._p_purchase[rows[there]] = cached.answer.p_purchase[there]
        self._rows: dict[int, int] = {}
        self._pools: dict[str, tuple[Ints, tuple[str, ...]]] = {}

    def add(self, pool_id: str, rows: Ints) -> None:
        positions = [self._rows.setdefault(row, len(self._rows)) for row in rows.tolist()]
        self._pools[pool_id] = (np.asarray(positions, np.int64), ())

    def scored(self) -> ScoredPools:
        rows = np.fromiter(self._rows, np.int64, len(self._rows))
        item_ids = tuple(self._index.item_ids[row] for row in rows.tolist())
        return ScoredPools(item_ids, self._p_click[rows], self._p_purchase[rows], self._pools)


def _prior_p_click(index: ItemIndex, popularity: Mapping[str, float], at_s: float) -> Floats:
    """`[size]` popularity where it is known, else a prior: newer items a little higher, half as much after two
    months.
    """
    age_days = np.maximum(at_s - index.created_s, 0.0) / DAY_S
    prior = PRIOR_P_CLICK * (0.5 + 0.5 * np.exp2(-age_days / 60.0))
    rows = index.rows(popularity)
    there = rows >= 0
    prior[rows[there]] = np.fromiter(popularity.values(), np.float64, len(popularity))[there]
    return np.asarray(prior, np.float64)
