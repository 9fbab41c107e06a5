"""What stands ready for each shop: item index, merchandise, segment pools."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from services.page_composer.index_builder import EMPTY_INDEX
from services.page_composer.item_index import ItemIndex
from services.page_composer.merchandise import Merchandise
from services.page_composer.stand_ins import SegmentCache

SHOPS_AT_MOST = 64
"""A process takes on no more shops than this, whatever shop ids callers name."""


@dataclass
class Shop:
    """The present state of one shop. Its feeds replace the parts; a page takes each part once and keeps it."""

    shop_id: str
    merchandise: Merchandise
    index: ItemIndex = EMPTY_INDEX
    index_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the whole catalogue has been read."""
    merchandise_read_s: float | None = None
    """When PostgreSQL last confirmed the merchandise, by the event loop's clock; None: never."""
    segments: SegmentCache = field(default_factory=SegmentCache)

    @property
    def is_known(self) -> bool:
        """True when the shop has a catalogue."""
        return len(self.index) > 0


class Shops:
    """All shops of this process; a shop is taken on at its first visit."""

    def __init__(self, nothing_decided: Merchandise, follow: Callable[[Shop], None]) -> None:
        self._nothing_decided = nothing_decided
        self._follow = follow
        self._shops: dict[str, Shop] = {}

    def all(self) -> list[Shop]:
        """Every shop taken on."""
        return list(self._shops.values())

    def open(self, shop_id: str) -> Shop:
        """The shop, taken on if need be; one too many is answered with an empty state that nobody follows."""
        shop = self._shops.get(shop_id)
        if shop is None:
            shop = Shop(shop_id, self._nothing_decided)
            if len(self._shops) < SHOPS_AT_MOST:
                self._shops[shop_id] = shop
                self._follow(shop)
        return shop
