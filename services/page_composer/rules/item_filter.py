"""Which items a rule or campaign is about."""

from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.item_index import ItemIndex


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

    def mask(self, index: ItemIndex) -> Bools:
        """`[size]` the items it is about."""
        mask = np.full(index.size, not self.is_empty, np.bool_)
        if self.categories:
            mask &= index.category_mask(self.categories)
        if self.brands:
            mask &= index.brand_mask(self.brands)
        if self.sellers:
            mask &= index.seller_mask(self.sellers)
        if self.item_ids:
            named = np.zeros(index.size, np.bool_)
            rows = index.rows(self.item_ids)
            named[rows[rows >= 0]] = True
            mask &= named
        return mask


NO_ITEMS = ItemFilter()
