"""What stands ready for each shop: item index, merchandise, segment pools."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.page_composer.index_builder import EMPTY_INDEX
from services.page_composer.item_index import ItemIndex
from services.page_composer.merchandise import Merchandise
from services.page_composer.stand_ins import SegmentCache

FIRST_LOOK_S = 0.2
SHOPS_AT_MOST = 64
"""A process takes on no more shops than this, whatever shop ids callers name."""


@dataclass
class Shop:
    """The present state of one shop. Its feeds replace the parts; a page takes each part once and keeps it."""

    shop_id: str
    merchandise: Merchandise
    merchandise_loaded: bool = False
    merchandise_missing: str = ""
    """Why PostgreSQL could not be asked at the last look; empty when it could."""
    merchandise_tried: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once PostgreSQL has been asked, with or without an answer."""
    index: ItemIndex = EMPTY_INDEX
    index_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the whole catalogue has been read."""
    segments: SegmentCache = field(default_factory=SegmentCache)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    """What follows the shop; cancelled when it is let go."""

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
            else:
                shop.merchandise_tried.set()
                shop.index_read.set()
        return shop

    def let_go(self, shop_id: str) -> None:
        """Forget a shop and stop following it."""
        shop = self._shops.pop(shop_id, None)
        for task in shop.tasks if shop else ():
            task.cancel()

    async def ready(self, shop_id: str) -> Shop:
        """The shop, once PostgreSQL has been asked for its merchandise; at most a moment is waited for that."""
        shop = self.open(shop_id)
        if not shop.merchandise_tried.is_set():
            try:
                async with asyncio.timeout(FIRST_LOOK_S):
                    await shop.merchandise_tried.wait()
            except TimeoutError:
                shop.merchandise_missing = shop.merchandise_missing or "timeout"
        return shop
