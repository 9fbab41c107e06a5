"""Which items a rule or campaign is about."""

from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools, Ints
from services.page_composer.item_index import ItemIndex

LOOKED_AT_TOGETHER = 20_000
"""Items of a large catalogue that are looked at before it is asked whether they are enough."""


@dataclass(frozen=True)
class ItemFilter:
    """Each list that is not empty must match; the empty filter matches no item."""

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing is listed."""
        return not (self.categories or self.brands or self.sellers or self.item_ids)

    def mask(self, index: ItemIndex, rows: Ints) -> Bools:
        """`[n]` which of the items in these rows it is about."""
        mask = np.full(len(rows), not self.is_empty, np.bool_)
        if self.categories:
            mask &= index.category_mask(self.categories, rows)
        if self.brands:
            mask &= index.brand_mask(self.brands, rows)
        if self.sellers:
            mask &= index.seller_mask(self.sellers, rows)
        if self.item_ids:
            named = index.rows(self.item_ids)
            mask &= np.isin(rows, named[named >= 0])
        return mask

    def newest(self, index: ItemIndex, most: int) -> Ints:
        """`[at most most]` rows of the items it is about that can be bought, the newest first.

        Remembered by the index: what few items match is looked for among all of them.
        """
        return index.remembered_rows((self, most), lambda: self._newest(index, most))

    def _newest(self, index: ItemIndex, most: int) -> Ints:
        if self.item_ids:
            named = np.unique(index.rows(self.item_ids))
            rows = self._among(index, named[named >= 0])
        elif index.census is None:
            rows = self._among(index, np.arange(index.size))
        else:
            order, rows = index.census.latest["created_s"].rows, np.zeros(0, np.int64)
            for start in range(0, len(order), LOOKED_AT_TOGETHER):
                rows = np.concatenate([rows, self._among(index, order[start : start + LOOKED_AT_TOGETHER])])
                if len(rows) >= most:
                    break
            rows = np.union1d(rows, self._among(index, index.changed))
        return rows[np.argsort(-index.created_s[rows], kind="stable")][:most]

    def _among(self, index: ItemIndex, rows: Ints) -> Ints:
        rows = index.available_among(rows)
        return rows[self.mask(index, rows)]


NO_ITEMS = ItemFilter()
