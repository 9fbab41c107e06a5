"""What pools are: what a shelf asks for, what it is filled on, and what it is filled with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.items import Items
from services.ranker.pool_filter import PoolFilter
from services.ranker.ranker_release import RankerRelease
from services.ranker.source import Seeds, history_seeds
from services.ranker.visitor import Visitor

GIVEN: Final = "given"
"""The pool is the items that come with it."""
CATALOGUE: Final = "catalogue"
"""Every item that passes the filter."""

NONE: Final = -1
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
    """A pool's candidates, best first, in columns of one length. Positions are the catalogue's."""

    pool_id: str
    positions: NDArray[np.int64]
    """`[n]` each once."""
    scores: NDArray[np.float32]
    """`[n]` the source's own scores, not increasing."""
    stand_in: NDArray[np.float32]
    """`[n]` P(click | examined) as the source alone would say, for when the model cannot."""
    evidence: NDArray[np.int32]
    """`[n]` index into seeds of what speaks most for the candidate; NONE when nothing does."""
    seeds: Sequence[str] = ()
    """Item ids of the seeds used."""
    paths: Sequence[str] = ()
    """Of `n` or 0 paths in words."""
    words: NDArray[np.float32] | None = None
    """`[n]` share of the query's words that each candidate has, where the pool has a query."""

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Ground:
    """What pools are filled on: one visitor, one release, one state of the items."""

    visitor: Visitor
    release: RankerRelease
    items: Items
    now_s: float

    @cached_property
    def history(self) -> Seeds:
        """The visitor's own history as what sources start from."""
        return history_seeds(self.visitor, self.release.vocabulary)
