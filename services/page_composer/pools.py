"""What a shelf asks the ranker for, and which items belong in it."""

from dataclasses import dataclass, replace

import numpy as np

from services.page_composer.arrays import Bools, Ints, among
from services.page_composer.item_index import ItemIndex
from services.page_composer.visit import DAY_S, Visit

GIVEN = "given"
CATALOGUE = "catalogue"


@dataclass(frozen=True)
class Pool:
    """Where a shelf's candidates come from. Empty fields do not filter; see ranker.proto."""

    source: str
    seeds: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    """With source "given": the candidates themselves."""
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    maximum_age_days: int | None = None
    reduced_only: bool = False
    excluded: tuple[str, ...] = ()
    query: str = ""
    limit: int = 48
    """Enough for the largest section, its reserve, and what rules and other shelves take."""


def focused(pool: Pool, visit: Visit) -> Pool:
    """The pool on this page: within a category page's category, without an item page's own item."""
    if visit.focus_category and not pool.categories:
        return replace(pool, categories=(visit.focus_category,))
    if visit.focus_item_id and visit.focus_item_id not in pool.given:
        return replace(pool, excluded=(*pool.excluded, visit.focus_item_id))
    return pool


def belongs(pool: Pool, index: ItemIndex, rows: Ints, at_s: float) -> Bools:
    """`[n]` rows that the pool's filter lets in by our own facts, so that what a shelf says of its items is true.

    `query` is left to the ranker: matching words is its business.
    """
    mask = np.ones(len(rows), np.bool_)
    if pool.categories:
        mask &= index.category_mask(pool.categories, rows)
    if pool.brands:
        mask &= index.brand_mask(pool.brands, rows)
    if pool.maximum_age_days is not None:
        mask &= index.created_s[rows] >= at_s - pool.maximum_age_days * DAY_S
    if pool.reduced_only:
        mask &= index.reduced_mask(rows)
    if pool.excluded:
        mask &= ~among(rows, index.rows(pool.excluded).tolist())
    return mask
