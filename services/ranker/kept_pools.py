"""Pools that are the same for every visitor, kept for as long as the catalogue stays as it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.ranker.catalogue import Catalogue
from services.ranker.pool_filter import PoolFilter

if TYPE_CHECKING:
    from services.ranker.pools import FilledPool

_REMEMBERED = 256


class KeptPools:
    """One release's. Whoever asks holds the catalogue's lock."""

    def __init__(self) -> None:
        self._catalogue: Catalogue | None = None
        self._change_count = 0
        self._pools: dict[tuple[PoolFilter, int], FilledPool] = {}

    def of(
        self, catalogue: Catalogue, wanted: PoolFilter, limit: int, fill: Callable[[], "FilledPool"]
    ) -> "FilledPool":
        """The pool of a filter and a limit, filled anew when it is not known or the catalogue has changed."""
        if catalogue is not self._catalogue or catalogue.change_count != self._change_count:
            self._catalogue, self._change_count = catalogue, catalogue.change_count
            self._pools.clear()
        pool = self._pools.get((wanted, limit))
        if pool is None:
            while len(self._pools) >= _REMEMBERED:
                del self._pools[next(iter(self._pools))]
            pool = self._pools[wanted, limit] = fill()
        return pool
