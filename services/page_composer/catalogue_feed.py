"""Keeps a shop's item index current: the whole catalogue first, then every change, through one watch with a resume
cursor.
"""

import asyncio
import logging

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.reading import facts_of
from services.page_composer.shops import Shop
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

RETRY_S = 0.5
PUBLISH_EVERY_S = 0.05
"""Changes that come thick and fast are given out together: a snapshot makes the builder copy what changes next."""
REST_FOR_WORK = 5.0
"""After a snapshot of a large catalogue the next one waits for so many times what it took."""


class CatalogueFeed:
    """Follows catalogues; one task a shop."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._stub = item_vision_pb2_grpc.CatalogueServiceStub(upstream.channel)

    async def follow(self, shop: Shop) -> None:
        """Follow one shop until cancelled; a cut watch is opened again from its cursor, an unreadable cursor starts
        anew.
        """
        builder = IndexBuilder()
        while True:
            try:
                await self.read(shop, builder)
            except DependencyDown as down:
                LOG.info(
                    "the catalogue watch was cut", extra={"fields": {"shop_id": shop.shop_id, "cause": down.cause}}
                )
            except RemoteError as refusal:
                LOG.warning("the watch cursor was refused: %s; reading the whole catalogue again", refusal)
                builder = IndexBuilder()
            await asyncio.sleep(RETRY_S)

    async def read(self, shop: Shop, builder: IndexBuilder, *, stop_at_end: bool = False) -> None:
        """Read the watch from the builder's cursor to its end. Raises: DependencyDown; RemoteError."""
        request = item_vision_pb2.WatchItemsRequest(
            shop_id=shop.shop_id, cursor=builder.cursor, stop_at_end=stop_at_end
        )
        publisher = _Publisher(shop, builder)
        try:
            async for message in self._upstream.stream(self._stub.WatchItems, request):
                await publisher.take_in(message)
        finally:
            await publisher.flush()


class _Publisher:
    """Gives the shop snapshots of what has been read, at most one every PUBLISH_EVERY_S.

    All work on the builder is done in a thread, one piece at a time: pages are made meanwhile.
    """

    def __init__(self, shop: Shop, builder: IndexBuilder) -> None:
        self._shop = shop
        self._builder = builder
        self._loop = asyncio.get_running_loop()
        self._one_at_a_time = asyncio.Lock()
        self._next_s = 0.0
        self._waiting: asyncio.Task[None] | None = None

    async def take_in(self, message: item_vision_pb2.WatchItemsResponse) -> None:
        """Bring the builder to the state after a message; where that is up to date, a snapshot follows."""
        async with self._one_at_a_time:
            await asyncio.to_thread(_take_in, self._builder, message)
        if message.up_to_date and self._waiting is None:
            self._waiting = asyncio.create_task(self._publish(self._next_s - self._loop.time()))

    async def flush(self) -> None:
        """Publish what waits."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
            await self._publish(0.0)

    async def _publish(self, after_s: float) -> None:
        await asyncio.sleep(max(after_s, 0.0))
        async with self._one_at_a_time:
            self._waiting = None
            began = self._loop.time()
            self._shop.index = await asyncio.to_thread(self._builder.snapshot)
            took_s = self._loop.time() - began
        self._next_s = self._loop.time() + max(PUBLISH_EVERY_S, took_s * REST_FOR_WORK)
        self._shop.index_read.set()


def _take_in(builder: IndexBuilder, message: item_vision_pb2.WatchItemsResponse) -> None:
    builder.put(facts_of(facts) for facts in message.items)
    builder.delete(message.deleted_item_ids)
    builder.cursor = message.cursor
