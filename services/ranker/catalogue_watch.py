"""Keeps a catalogue current through item_vision's watch, from its resume cursor on."""

import asyncio
import logging

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.catalogue import NOT_COUNTED, Catalogue, CatalogueItem
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

RETRY_S = 0.5


class CatalogueWatch:
    """The catalogues of all shops, each followed by a task of its own."""

    def __init__(self, item_vision: Upstream) -> None:
        self._item_vision = item_vision
        self._stub = item_vision_pb2_grpc.CatalogueServiceStub(item_vision.channel)
        self._catalogues: dict[str, Catalogue] = {}
        self._followed: set[str] = set()
        self._current: dict[str, asyncio.Event] = {}

    def catalogue(self, shop_id: str) -> Catalogue:
        """The shop's items as far as they are known; the same object as long as the process lives."""
        return self._catalogues.setdefault(shop_id, Catalogue())

    def followed(self, shop_id: str) -> bool:
        """Say whether a shop is followed already."""
        return shop_id in self._followed

    async def until_current(self, shop_id: str) -> None:
        """Wait until the shop's whole catalogue has been read once."""
        await self._current.setdefault(shop_id, asyncio.Event()).wait()

    async def follow(self, shop_id: str) -> None:
        """Follow one shop until cancelled; a cut watch is opened again from its cursor."""
        catalogue = self.catalogue(shop_id)
        self._followed.add(shop_id)
        while True:
            try:
                await self._read(shop_id, catalogue)
            except (DependencyDown, RemoteError) as failure:
                LOG.info(
                    "the catalogue watch was cut",
                    extra={"fields": {"shop_id": shop_id, "cause": str(failure)}},
                )
            await asyncio.sleep(RETRY_S)

    async def _read(self, shop_id: str, catalogue: Catalogue) -> None:
        request = item_vision_pb2.WatchItemsRequest(shop_id=shop_id, cursor=catalogue.cursor)
        async for message in self._item_vision.stream(self._stub.WatchItems, request):
            catalogue.put([catalogue_item(facts) for facts in message.items])
            catalogue.delete(message.deleted_item_ids)
            catalogue.cursor = message.cursor
            if message.up_to_date:
                self._current.setdefault(shop_id, asyncio.Event()).set()


def catalogue_item(facts: item_vision_pb2.ItemFacts) -> CatalogueItem:
    """What the ranker keeps of an item."""
    words = " ".join([*facts.titles.values(), facts.brand, facts.category, *facts.attributes.values()])
    return CatalogueItem(
        item_id=facts.item_id,
        family_id=facts.family_id,
        brand=facts.brand,
        category=facts.category,
        price_minor=facts.price.amount_minor,
        list_price_minor=facts.list_price.amount_minor if facts.HasField("list_price") else 0,
        stock=facts.stock if facts.HasField("stock") else NOT_COUNTED,
        created_s=facts.created_at.seconds + facts.created_at.nanos / 1e9,
        words=words.casefold(),
    )
