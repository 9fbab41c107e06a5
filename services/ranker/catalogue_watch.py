"""Keeps catalogues current through item_vision's watch, from its resume cursor on."""

import asyncio
import logging

import grpc

from services.kit.background import BackgroundTasks
from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.catalogue import NOT_COUNTED, Catalogue, CatalogueItem
from services.ranker.postings import Postings
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

RETRY_S = 0.5
ATTEMPTS_BEFORE_SETTLED = 3
"""After so many watches that were cut before the catalogue was complete, nobody waits for it any longer."""


class CatalogueWatch:
    """The catalogues of all shops, each followed by a task of its own."""

    def __init__(self, item_vision: Upstream, background: BackgroundTasks) -> None:
        self._background = background
        self._item_vision = item_vision
        self._stub = item_vision_pb2_grpc.CatalogueServiceStub(item_vision.channel)
        self._catalogues: dict[str, Catalogue] = {}
        self._settled: dict[str, asyncio.Event] = {}

    def catalogue(self, shop_id: str) -> Catalogue:
        """The shop's items as far as they are known; the same object as long as the process lives."""
        return self._catalogues.setdefault(shop_id, Catalogue())

    def follow(self, shop_id: str) -> None:
        """Follow a shop from now on; a second call does nothing."""
        if shop_id not in self._settled:
            self._settled[shop_id] = asyncio.Event()
            self._background.spawn("catalogue_watch", self._follow(shop_id))

    async def until_settled(self, shop_id: str) -> None:
        """Wait until a followed shop's catalogue is complete, or item_vision has proved to be away."""
        await self._settled[shop_id].wait()

    async def _follow(self, shop_id: str) -> None:
        """Watch until cancelled; a watch that is cut is opened again from the last cursor."""
        catalogue, reading, attempts = self.catalogue(shop_id), Reading(), 0
        while True:
            try:
                await self._watch(shop_id, catalogue, reading)
            except (DependencyDown, RemoteError) as failure:
                LOG.info("the catalogue watch was cut", extra={"fields": {"shop_id": shop_id, "cause": str(failure)}})
                if isinstance(failure, RemoteError) and failure.code is grpc.StatusCode.INVALID_ARGUMENT:
                    # The cursor is of another life of the catalogue: read it all again.
                    catalogue.cursor, reading = "", Reading()
            attempts += 1
            if attempts >= ATTEMPTS_BEFORE_SETTLED:
                self._settled[shop_id].set()
            await asyncio.sleep(RETRY_S)

    async def _watch(self, shop_id: str, catalogue: Catalogue, reading: "Reading") -> None:
        request = item_vision_pb2.WatchItemsRequest(shop_id=shop_id, cursor=catalogue.cursor)
        async for message in self._item_vision.stream(self._stub.WatchItems, request):
            # In a thread: a thousand items take tens of milliseconds, and a request may hold the lock.
            await asyncio.to_thread(take_in, catalogue, message, reading)
            if message.up_to_date:
                self._settled[shop_id].set()


class Reading:
    """Which items a reading of the whole catalogue has seen so far; those it has not at its end are gone."""

    def __init__(self) -> None:
        self.seen: set[str] | None = set()
        """None once the end was reached."""


def take_in(catalogue: Catalogue, message: item_vision_pb2.WatchItemsResponse, reading: Reading) -> None:
    """Bring the catalogue to the state after a message of the watch."""
    items = [catalogue_item(facts) for facts in message.items]
    with catalogue.lock:
        catalogue.put(items)
        catalogue.delete(message.deleted_item_ids)
        catalogue.cursor = message.cursor
        if reading.seen is not None:
            reading.seen.update(item.item_id for item in items)
            reading.seen.difference_update(message.deleted_item_ids)
            if message.up_to_date:
                catalogue.delete_all_but(reading.seen)
                reading.seen = None
        catalogue.complete |= message.up_to_date
    if catalogue.complete:
        renew_postings(catalogue)


def renew_postings(catalogue: Catalogue) -> None:
    """Make a large catalogue's postings anew when they are due; requests go on meanwhile."""
    with catalogue.lock:
        if not catalogue.postings_due:
            return
        taken = len(catalogue.changed)
        columns = (catalogue.category_codes.copy(), catalogue.brand_codes.copy(), catalogue.created_s.copy())
    postings = Postings.of(*columns)
    with catalogue.lock:
        catalogue.postings = postings
        del catalogue.changed[:taken]


def catalogue_item(facts: item_vision_pb2.ItemFacts) -> CatalogueItem:
    """What the ranker keeps of an item."""
    brand, category, created_at = facts.brand, facts.category, facts.created_at
    titles, attributes = facts.titles, facts.attributes
    # Going through the keys is cheaper than `values` of a message's map, which are Python's own.
    words = [titles[language] for language in titles]
    words += (brand, category)
    words += [attributes[name] for name in attributes]
    return CatalogueItem(
        item_id=facts.item_id,
        brand=brand,
        category=category,
        price_minor=facts.price.amount_minor,
        list_price_minor=facts.list_price.amount_minor,
        stock=facts.stock if facts.HasField("stock") else NOT_COUNTED,
        created_s=created_at.seconds + created_at.nanos / 1e9,
        words=" ".join(words),
    )
