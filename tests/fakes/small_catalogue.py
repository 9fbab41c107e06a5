"""The part of CatalogueService that page_composer calls, over a list of item facts: GetItems and WatchItems."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from services.kit.checks import Checks
from services.kit.errors import DependencyDown
from vitrine.item_vision.v1 import item_vision_pb2 as pb
from vitrine.item_vision.v1 import item_vision_pb2_grpc


class SmallCatalogue(item_vision_pb2_grpc.CatalogueServiceServicer):
    """Items in memory; `put` and `delete` reach watchers at once.

    `sold_out` and `gone` are known to GetItems alone, as if the watch were behind; `down` and `delay_s` concern
    GetItems.
    """

    def __init__(self, items: Sequence[pb.ItemFacts] = (), ready: Sequence[str] = (), shop_id: str = "") -> None:
        self.items: dict[str, pb.ItemFacts] = {}
        self.shop_id = shop_id
        self.ready = list(ready)
        self.changes: list[str] = []
        self.sold_out: set[str] = set()
        self.gone: set[str] = set()
        self.down = False
        self.delay_s = 0.0
        self.requests: list[pb.GetItemsRequest] = []
        self._changed = asyncio.Condition()
        for item in items:
            self._write(item)

    def ready_ids(self, shop_id: str) -> list[str]:
        return sorted(self.ready, reverse=True)

    async def put(self, *items: pb.ItemFacts) -> None:
        async with self._changed:
            for item in items:
                self._write(item)
            self._changed.notify_all()

    async def delete(self, item_id: str) -> None:
        async with self._changed:
            del self.items[item_id]
            self.changes.append(item_id)
            self._changed.notify_all()

    async def GetItems(
        self, request: pb.GetItemsRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.GetItemsResponse:
        self.requests.append(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.down:
            raise DependencyDown("database")
        checks = Checks()
        checks.shop_id(request.shop_id)
        checks.count("item_ids", request.item_ids, 1, 1_000)
        checks.raise_if_any()
        known = [each for each in request.item_ids if each in self.items and each not in self.gone]
        held = dict(zip(request.item_ids, request.known_revisions, strict=False))
        return pb.GetItemsResponse(
            items=[
                self._display(self.items[item_id], request.locale)
                for item_id in known
                if item_id in self.sold_out or held.get(item_id) != self.items[item_id].revision
            ],
            missing_item_ids=[each for each in request.item_ids if each not in known],
        )

    async def WatchItems(
        self, request: pb.WatchItemsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.WatchItemsResponse]:
        if self.shop_id and request.shop_id != self.shop_id:
            yield pb.WatchItemsResponse(cursor="0", up_to_date=True)
            await asyncio.Event().wait()
        after = int(request.cursor or 0)
        while True:
            changed = dict.fromkeys(self.changes[after:])
            after = len(self.changes)
            yield pb.WatchItemsResponse(
                cursor=str(after),
                items=[self.items[item_id] for item_id in changed if item_id in self.items],
                deleted_item_ids=[item_id for item_id in changed if item_id not in self.items],
                up_to_date=True,
            )
            if request.stop_at_end:
                return
            async with self._changed:
                await self._changed.wait_for(lambda: len(self.changes) > after)  # noqa: B023

    def _write(self, item: pb.ItemFacts) -> None:
        self.changes.append(item.item_id)
        self.items[item.item_id] = item
        item.revision = len(self.changes)

    def _display(self, facts: pb.ItemFacts, locale: str) -> pb.Item:
        item = pb.Item(
            item_id=facts.item_id,
            family_id=facts.family_id,
            title=facts.titles.get(locale, "") or facts.titles.get("en", ""),
            title_locale=locale,
            price=facts.price,
            brand=facts.brand,
            category=facts.category,
            link=facts.link,
            image_count=facts.image_count,
            image_etag=facts.image_etag,
            revision=facts.revision,
            in_stock=facts.item_id not in self.sold_out and (not facts.HasField("stock") or facts.stock > 0),
        )
        if facts.HasField("list_price"):
            item.list_price.CopyFrom(facts.list_price)
        return item
