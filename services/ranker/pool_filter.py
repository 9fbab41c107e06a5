"""Which items of a catalogue may be in a pool: a mask over the catalogue's positions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import Catalogue
from services.ranker.items import Items

DAY_S = 86_400.0
ENOUGH_MATCHES = 8
"""Where so many items have all words of a search, those that lack some are left out: about one shelf."""
SHARE_OF_WORDS = 0.5
"""Else items are kept that have at least this share of the words."""


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


class Masks:
    """The masks of one request's pools; equal filters are computed once."""

    def __init__(self, items: Items, now_s: float) -> None:
        self._items = items
        self._now_s = now_s
        self._positions: dict[PoolFilter, NDArray[np.bool_]] = {}
        self._rows: dict[PoolFilter, NDArray[np.bool_]] = {}

    def positions(self, wanted: PoolFilter) -> NDArray[np.bool_]:
        """`[items]` over positions of the catalogue; not to be written to."""
        mask = self._positions.get(wanted)
        if mask is None:
            mask = self._positions[wanted] = allowed(self._items.catalogue, wanted, self._now_s)
        return mask

    def rows(self, wanted: PoolFilter) -> NDArray[np.bool_]:
        """`[vocabulary]` over rows of the release; not to be written to."""
        mask = self._rows.get(wanted)
        if mask is None:
            mask = self._rows[wanted] = self._items.rows.rows_allowed(self.positions(wanted))
        return mask


def allowed(catalogue: Catalogue, wanted: PoolFilter, now_s: float) -> NDArray[np.bool_]:
    """`[items]` True for items that are in the shop and pass. Sold-out items pass: showing is the page's affair."""
    mask = catalogue.present.copy()
    if wanted.categories:
        mask &= catalogue.categories.matching(lambda path: within(path, wanted.categories))[catalogue.category_codes]
    if wanted.brands:
        mask &= catalogue.brands.matching(frozenset(wanted.brands).__contains__)[catalogue.brand_codes]
    if wanted.maximum_age_days is not None:
        mask &= catalogue.created_s >= now_s - wanted.maximum_age_days * DAY_S
    if wanted.reduced_only:
        mask &= catalogue.list_price_minor > catalogue.price_minor
    if wanted.minimum_price_minor is not None:
        mask &= catalogue.price_minor >= wanted.minimum_price_minor
    if wanted.maximum_price_minor is not None:
        mask &= catalogue.price_minor <= wanted.maximum_price_minor
    if wanted.excluded_item_ids:
        excluded = catalogue.positions(wanted.excluded_item_ids)
        mask[excluded[excluded >= 0]] = False
    if wanted.query:
        shares = catalogue.words.match(wanted.query)
        whole = mask & (shares >= 1.0)
        mask = whole if whole.sum() >= ENOUGH_MATCHES else mask & (shares >= SHARE_OF_WORDS)
    return mask


def within(path: str, categories: Sequence[str]) -> bool:
    """Say whether a category path is one of the categories or below one."""
    return any(path == category or path.startswith(category + "/") for category in categories)
