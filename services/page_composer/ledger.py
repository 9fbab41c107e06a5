"""What a page already holds: no product twice, no more of a facet than its cap."""

from collections.abc import Sequence

import numpy as np

from services.page_composer.arrays import Bools, Ints
from services.page_composer.rules.cap import Limit

EVERYONE = slice(None)


class PageLedger:
    """Keeps the whole-page constraints over `n` candidates while a page is made.

    Items of one family (variants) and items of one near-duplicate cluster are the same product to a visitor.
    """

    def __init__(self, families: Ints, clusters: Ints, limits: Sequence[Limit] = ()) -> None:
        self.families = families
        self.clusters = clusters
        self.limits = limits
        self._family_taken = np.zeros(int(families.max(initial=-1)) + 1, np.bool_)
        self._cluster_taken = np.zeros(int(clusters.max(initial=-1)) + 1, np.bool_)
        self._barred = np.zeros(len(families), np.bool_)
        self._counts = [np.zeros(limit.group_count + 1, np.int64) for limit in limits]

    def free(self, positions: Ints | slice = EVERYONE) -> Bools:
        """Of candidates (any shape; all of them by default): which could be added to the page as it is."""
        taken = self._family_taken[self.families[positions]] | self._cluster_taken[self.clusters[positions]]
        free = ~(taken | self._barred[positions])
        for limit, counts in zip(self.limits, self._counts, strict=True):
            groups = limit.groups[positions]
            free &= (groups < 0) | (counts[groups] < limit.most)
        return free

    def fillable(self, free: Bools, positions: Ints) -> Ints:
        """`[pools]` how many of the free candidates of each pool, `[pools, m]`, fit on the page together, at most.

        Positions that are not free may be anything.
        """
        most = np.asarray(free.sum(axis=1), np.int64)
        for limit, counts in zip(self.limits, self._counts, strict=True):
            groups = np.where(free, limit.groups[np.where(free, positions, 0)], -1)
            capped = groups >= 0
            keys = np.nonzero(capped)[0] * limit.group_count + groups[capped]
            there = np.bincount(keys, minlength=len(positions) * limit.group_count).reshape(len(positions), -1)
            left = np.maximum(limit.most - counts[: limit.group_count], 0)
            together = (free & ~capped).sum(axis=1) + np.minimum(there, left).sum(axis=1)
            most = np.minimum(most, together)
        return most

    def take(self, position: int) -> None:
        """Note that a candidate is on the page. The caller has asked `free`."""
        self._mark(position, held=True, change=+1)

    def release(self, position: int) -> None:
        """Note that a candidate left the page."""
        self._mark(position, held=False, change=-1)

    def bar(self, position: int) -> None:
        """Never let a candidate on this page again: it turned out to be sold out."""
        self._barred[position] = True

    def why_not(self, position: int) -> str:
        """Why a candidate that is not on the page cannot be, or "outscored" when it could."""
        if self._family_taken[self.families[position]]:
            return "same_family"
        if self._cluster_taken[self.clusters[position]]:
            return "near_duplicate"
        return "outscored" if self.free(np.asarray([position]))[0] else "rule"

    def _mark(self, position: int, *, held: bool, change: int) -> None:
        self._family_taken[self.families[position]] = held
        self._cluster_taken[self.clusters[position]] = held
        for limit, counts in zip(self.limits, self._counts, strict=True):
            group = limit.groups[position]
            if group >= 0:
                counts[group] += change
