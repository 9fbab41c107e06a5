"""Keeps a shop's item index current: the whole catalogue first, then every change, through one watch with a resume
cursor.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import NoReturn, TypeVar

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.item_index import ItemIndex
from services.page_composer.reading import facts_of
from services.page_composer.shops import Shop
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

Result = TypeVar("Result")

RETRY_S = 0.5
ERROR_PAUSE_S = 5.0
"""After an error of our own the work is tried again, no more often than somebody could read the log."""
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
        """Follow one shop until cancelled. A cut watch is opened again from its cursor; an unreadable cursor, or a
        message that cannot be taken in, starts anew. The shop keeps its index until a newer one is complete.
        """
        while True:
            async with _publishing(shop) as publisher:
                try:
                    await self._read(shop.shop_id, publisher)
                except RemoteError as refusal:
                    LOG.warning("the watch cursor was refused: %s; reading the whole catalogue again", refusal)
                    pause_s = RETRY_S
                except Exception:
                    LOG.exception(
                        "a change could not be taken in; reading the whole catalogue again",
                        extra={"fields": {"shop_id": shop.shop_id}},
                    )
                    pause_s = ERROR_PAUSE_S
            await asyncio.sleep(pause_s)

    async def _read(self, shop_id: str, publisher: "_Publisher") -> NoReturn:
        """Read watches one after the other, each from where the last one ended."""
        while True:
            request = item_vision_pb2.WatchItemsRequest(shop_id=shop_id, cursor=publisher.cursor)
            try:
                async for message in self._upstream.stream(self._stub.WatchItems, request):
                    await publisher.take_in(message)
            except DependencyDown as down:
                LOG.info("the catalogue watch was cut", extra={"fields": {"shop_id": shop_id, "cause": down.cause}})
            await asyncio.sleep(RETRY_S)


class _Publisher:
    """A builder from its first message to its end, over all watches that it is read from; gives the shop snapshots of
    it, at most one every PUBLISH_EVERY_S.

    The builder is touched by the one thread of `_thread` alone, one piece of work after the other: pages are made
    meanwhile, and whoever is cancelled leaves no work behind that other work could meet.
    """

    def __init__(self, shop: Shop) -> None:
        self.cursor = ""
        """Up to where the catalogue has been taken in."""
        self._shop = shop
        self._builder = IndexBuilder()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalogue_feed")
        self._untold = True
        """Whether something was taken in since a snapshot was last due; at first there is none to go on with."""
        self._due = asyncio.Event()
        """Set while there is something up to date that no snapshot shows."""

    async def take_in(self, message: item_vision_pb2.WatchItemsResponse) -> None:
        """Bring the builder to the state after a message; where that is up to date and new, a snapshot follows.

        A watch that is opened again begins by saying that nothing has changed: the snapshot stays, and with it what
        pages have worked out of it.
        """
        await self._in_thread(lambda: _take_in(self._builder, message))
        self.cursor = message.cursor
        self._untold |= bool(message.items or message.deleted_item_ids)
        if message.up_to_date and self._untold:
            self._untold = False
            self._due.set()

    async def publish(self) -> NoReturn:
        """Give out what is due, for ever. What is taken in while a snapshot is made is due again after it."""
        while True:
            await self._due.wait()
            self._due.clear()
            await asyncio.sleep(await self._publish_once())

    async def close(self) -> None:
        """Wait for the end of the work in hand; nothing is given out of it."""
        await asyncio.to_thread(self._thread.shutdown)

    async def _publish_once(self) -> float:
        """Give out a snapshot. Returns for how many seconds to rest from it."""
        try:
            index, took_s = await self._in_thread(lambda: _snapshot(self._builder))
        except Exception:
            LOG.exception(
                "no snapshot could be made; pages go on with the last one and it is tried again",
                extra={"fields": {"shop_id": self._shop.shop_id}},
            )
            self._due.set()
            return ERROR_PAUSE_S
        self._shop.index = index
        self._shop.index_read.set()
        return max(PUBLISH_EVERY_S, took_s * REST_FOR_WORK)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@asynccontextmanager
async def _publishing(shop: Shop) -> AsyncIterator[_Publisher]:
    """A publisher at work. When the context is left its thread has ended."""
    publisher = _Publisher(shop)
    publishing = asyncio.create_task(publisher.publish())
    try:
        yield publisher
    finally:
        publishing.cancel()
        await asyncio.wait([publishing])
        await publisher.close()


def _take_in(builder: IndexBuilder, message: item_vision_pb2.WatchItemsResponse) -> None:
    builder.put(facts_of(facts) for facts in message.items)
    builder.delete(message.deleted_item_ids)
    builder.cursor = message.cursor


def _snapshot(builder: IndexBuilder) -> tuple[ItemIndex, float]:
    """The present state, and the seconds that it took."""
    began_s = time.perf_counter()
    index = builder.snapshot()
    return index, time.perf_counter() - began_s
