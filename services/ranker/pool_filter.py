"""Which items of a catalogue may be in a pool.

A small catalogue is gone through once for each filter. Of a large one only candidates are looked at: those that a
source proposes, or those that postings list where a filter is narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import LARGE, Catalogue
from services.ranker.items import Items
from services.ranker.postings import Groups, united

DAY_S = 86_400.0
ENOUGH_MATCHES = 8
"""Where so many items have all words of a search, those that lack some are left out: about one shelf."""
SHARE_OF_WORDS = 0.5
"""Else items are kept that have at least this share of the words."""
FIRST_LOOK = 16
"""So many times as many items as are wanted are looked at first, where items stand in the order that is asked for."""
FEW = 20_000
"""Of a large catalogue, so many items are looked at one by one: half a millisecond."""


@dataclass(frozen=True)
class PoolFilter:
    """What a pool asks of its items; empty fields ask nothing. See ranker.proto."""

    categories: Sequence[str] = ()
    brands: Sequence[str] = ()
    maximum_age_days: float | None = None
    reduced_only: bool = False
    excluded_item_ids: Sequence[str] = ()
    minimum_price_minor: int | None = None
    maximum_price_minor: int | None = None
    query: str = ""


class Through:
    """What one filter lets through of the items, found with as little looking as may be."""

    def __init__(self, items: Items, wanted: PoolFilter, now_s: float) -> None:
        self._items = items
        self._wanted = wanted
        self._now_s = now_s
        self._large = len(items.catalogue) > LARGE and items.catalogue.postings is not None

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """`[items]` over positions of the catalogue; not to be written to."""
        few = self.few
        if few is None:
            return allowed(self._items.catalogue, self._wanted, self._now_s)
        mask = np.zeros(len(self._items.catalogue), np.bool_)
        mask[few] = True
        return mask

    @cached_property
    def few(self) -> NDArray[np.int32] | None:
        """`[k]` ascending positions that pass, of a large catalogue where they can be listed; else None."""
        if not self._large:
            return None
        catalogue, wanted = self._items.catalogue, self._wanted
        if wanted.query:
            found = np.flatnonzero(catalogue.words.match(wanted.query) >= SHARE_OF_WORDS).astype(np.int32)
        else:
            listed = _listed(catalogue, wanted, self._now_s)
            if listed is None:
                return None
            found = united([listed, np.array(catalogue.changed, np.int32)])
        return found[allowed(catalogue, wanted, self._now_s, found)]

    def check(self, positions: NDArray[np.signedinteger]) -> NDArray[np.bool_]:
        """`[k]` whether each position passes; −1 does not."""
        if not self._large:
            return np.asarray((positions >= 0) & self.mask[positions], np.bool_)
        if self._wanted.query and self.few is not None:
            return np.isin(positions, self.few)
        return (positions >= 0) & allowed(self._items.catalogue, self._wanted, self._now_s, positions)

    def first(self, order: NDArray[np.int32] | None, enough: int) -> NDArray[np.int64]:
        """Ascending positions that pass: at least the first `enough` of those in an order, with everything that has
        changed of late; all that pass where they are few, where there is no order, or where it ends too early.
        """
        if not self._large or order is None:
            return np.flatnonzero(self.mask)
        changed = np.array(self._items.catalogue.changed, np.int32)
        found, start = [changed[self.check(changed)]], 0
        while start < len(order):
            block = order[start : start + max(FIRST_LOOK * enough, start)]
            found.append(block[self.check(block)])
            start += len(block)
            if sum(map(len, found[1:])) >= enough:
                return united(found).astype(np.int64)
            if self.few is not None:
                return self.few.astype(np.int64)
        return np.flatnonzero(self.mask)


class RowsThrough:
    """The same over rows of a release's vocabulary."""

    def __init__(self, items: Items, through: Through) -> None:
        self._map = items.rows
        self._through = through

    def check(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """`[k]` whether each row passes."""
        return self._through.check(self._map.positions(rows))

    @cached_property
    def _few(self) -> NDArray[np.int32] | None:
        few = self._through.few
        if few is None:
            return None
        rows = self._map.rows(few.astype(np.int64))
        return np.sort(rows[rows >= 0])

    def few(self) -> NDArray[np.int32] | None:
        """Ascending rows that pass, of a large catalogue where they can be listed; else None."""
        return self._few

    @cached_property
    def _mask(self) -> NDArray[np.bool_]:
        return self._map.rows_allowed(self._through.mask)

    def mask(self) -> NDArray[np.bool_]:
        """`[vocabulary]` whether each row passes; not to be written to."""
        return self._mask


class Masks:
    """What the filters of one request's pools let through; equal filters are looked into once."""

    def __init__(self, items: Items, now_s: float) -> None:
        self._items = items
        self._now_s = now_s
        self._positions: dict[PoolFilter, Through] = {}
        self._rows: dict[PoolFilter, RowsThrough] = {}

    def positions(self, wanted: PoolFilter) -> Through:
        """Over positions of the catalogue."""
        through = self._positions.get(wanted)
        if through is None:
            through = self._positions[wanted] = Through(self._items, wanted, self._now_s)
        return through

    def rows(self, wanted: PoolFilter) -> RowsThrough:
        """Over rows of the release."""
        through = self._rows.get(wanted)
        if through is None:
            through = self._rows[wanted] = RowsThrough(self._items, self.positions(wanted))
        return through


def allowed(
    catalogue: Catalogue, wanted: PoolFilter, now_s: float, positions: NDArray[np.signedinteger] | None = None
) -> NDArray[np.bool_]:
    """`[items]`, or for each of `[k]` positions: True for items that are in the shop and pass. Sold-out items pass:
    showing is the page's affair. Not to be written to.

    With a search and positions, these must hold every item that has enough of the words.
    """
    at: slice | NDArray[np.signedinteger] = slice(None) if positions is None else positions
    mask = catalogue.present_of(wanted.categories, wanted.brands, positions)
    if positions is None and wanted == PoolFilter(categories=wanted.categories, brands=wanted.brands):
        return mask
    mask = mask.copy()
    if wanted.maximum_age_days is not None:
        mask &= catalogue.created_s[at] >= now_s - wanted.maximum_age_days * DAY_S
    if wanted.reduced_only:
        mask &= catalogue.list_price_minor[at] > catalogue.price_minor[at]
    if wanted.minimum_price_minor is not None:
        mask &= catalogue.price_minor[at] >= wanted.minimum_price_minor
    if wanted.maximum_price_minor is not None:
        mask &= catalogue.price_minor[at] <= wanted.maximum_price_minor
    if wanted.excluded_item_ids:
        excluded = catalogue.positions(wanted.excluded_item_ids)
        if positions is None:
            mask[excluded[excluded >= 0]] = False
        else:
            mask &= ~np.isin(positions, excluded)
    if wanted.query:
        shares = catalogue.words.match(wanted.query)[at]
        whole = mask & (shares >= 1.0)
        mask = whole if whole.sum() >= ENOUGH_MATCHES else mask & (shares >= SHARE_OF_WORDS)
    return mask


def _listed(catalogue: Catalogue, wanted: PoolFilter, now_s: float) -> NDArray[np.int32] | None:
    """The positions that the postings list for the filter's narrowest wish; None when they are not few."""
    postings = catalogue.postings
    if postings is None:
        return None
    wishes: list[tuple[Groups, NDArray[np.int64]]] = []
    if wanted.categories:
        wishes.append((postings.by_category, np.flatnonzero(catalogue.categories.within(wanted.categories))))
    if wanted.brands:
        codes = np.flatnonzero(catalogue.brands.matching(frozenset(wanted.brands).__contains__))
        wishes.append((postings.by_brand, codes))
    counts = [groups.count(codes) for groups, codes in wishes]
    recent = None if wanted.maximum_age_days is None else postings.since(now_s - wanted.maximum_age_days * DAY_S)
    if recent is not None and len(recent) <= min([FEW, *counts]):
        return recent
    if not counts or min(counts) > FEW:
        return None
    groups, codes = wishes[counts.index(min(counts))]
    return groups.positions(codes)
