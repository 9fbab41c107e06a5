"""CatalogueService: check, call the domain, convert."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC

import grpc
import numpy as np

from services.item_vision import requests
from services.item_vision.facts import StoredFacts
from services.item_vision.holdings import Holdings
from services.item_vision.intake import take_links
from services.item_vision.item import CatalogueItem
from services.item_vision.messages import add_facts, item_message
from services.item_vision.sql.catalogue import Wanted
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureKind, ItemFeatures
from services.item_vision.stream import LISTED_ERRORS, ItemStream
from services.item_vision.vision_release import VisionRelease
from services.kit.errors import InvalidRequest
from vitrine.item_vision.v1 import item_vision_pb2 as pb
from vitrine.item_vision.v1 import item_vision_pb2_grpc

WATCH_PAGE = 1_000
EXPORT_PAGE = 200
ITEMS_BETWEEN_PAUSES = 100
"""Items turned into messages in a row: a millisecond or two."""


class CatalogueServicer(item_vision_pb2_grpc.CatalogueServiceServicer):
    """Keeps the catalogue."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    async def UpsertItems(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.UpsertItemsRequest], context: grpc.aio.ServicerContext
    ) -> pb.UpsertItemsResponse:
        """Create or replace items, a message at a time."""
        stream: ItemStream | None = None
        try:
            async for request in request_iterator:
                requests.check_upsert(request, first=stream is None)
                stream = stream or ItemStream(request.shop_id, self._holdings)
                await stream.take(request)
        finally:
            if stream is not None:
                await stream.settle()
        if stream is None:
            raise InvalidRequest.of("shop_id", "required in the first message of the stream")
        return stream.answer

    async def ReconcileItems(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.ReconcileItemsRequest], context: grpc.aio.ServicerContext
    ) -> pb.ReconcileItemsResponse:
        """Retire what the stream did not name, once it has said that it is complete."""
        shop_id, last = "", pb.ReconcileItemsRequest()
        async with self._holdings.catalogue.reconciliation() as reconciliation:
            async for request in request_iterator:
                requests.check_reconcile(request, first=not shop_id, completed=last.complete)
                shop_id, last = shop_id or request.shop_id, request
                await reconciliation.name(request.item_ids)
            if not last.complete:
                raise InvalidRequest.of("complete", "say complete in the last message; nothing was retired")
            outcome = await reconciliation.retire(shop_id, allow_losses=last.allow_losses)
        return pb.ReconcileItemsResponse(retired_count=outcome.retired, present_count=outcome.present)

    async def ResolveVariants(  # type: ignore[override]  # noqa: N802
        self, request: pb.ResolveVariantsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ResolveVariantsResponse:
        """The item of each variant."""
        requests.check_resolve_variants(request)
        found = await self._holdings.catalogue.items_of_variants(request.shop_id, request.variant_ids)
        return pb.ResolveVariantsResponse(item_ids=[found.get(variant_id, "") for variant_id in request.variant_ids])

    async def PutLinks(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.PutLinksRequest], context: grpc.aio.ServicerContext
    ) -> pb.PutLinksResponse:
        """Replace the links of items, a message at a time."""
        answer, shop_id, index = pb.PutLinksResponse(), "", 0
        async for request in request_iterator:
            requests.check_put_links(request, first=not shop_id)
            shop_id = shop_id or request.shop_id
            accepted, errors = take_links(request.items, index)
            index += len(request.items)
            written = await self._holdings.catalogue.put_links(shop_id, accepted)
            answer.updated_count += written.updated
            answer.unchanged_count += written.unchanged
            answer.held_count += written.held
            answer.dropped_count += written.dropped
            answer.rejected_count += len(request.items) - len(accepted)
            answer.errors.extend(errors[: LISTED_ERRORS - len(answer.errors)])
        if not shop_id:
            raise InvalidRequest.of("shop_id", "required in the first message of the stream")
        return answer

    async def GetItems(  # type: ignore[override]  # noqa: N802
        self, request: pb.GetItemsRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetItemsResponse:
        """Items for display, in the order asked; those whose revision the caller holds are not read."""
        requests.check_get_items(request)
        release = self._vectors_of(request.shop_id, request.vector_release_id)
        wanted = await self._to_read(request)
        found: dict[str, CatalogueItem] = {}
        if wanted:
            found = await self._holdings.catalogue.get(
                request.shop_id, wanted, retired=request.include_retired, linked=request.full
            )
        return pb.GetItemsResponse(
            items=[
                item_message(found[item_id], request.locale, release, full=request.full)
                for item_id in wanted
                if item_id in found
            ],
            missing_item_ids=[item_id for item_id in dict.fromkeys(wanted) if item_id not in found],
        )

    async def ListItems(  # type: ignore[override]  # noqa: N802
        self, request: pb.ListItemsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListItemsResponse:
        """A page of the catalogue; the first page says where to start watching."""
        requests.check_list_items(request)
        release = self._vectors_of(request.shop_id, request.vector_release_id)
        size = request.page_size or requests.DEFAULT_PAGE
        watch_cursor, after = _page_token(request.page_token)
        if not watch_cursor:
            watch_cursor = str(await self._holdings.catalogue.now_cursor(request.shop_id))
        created_from = request.created_from.ToDatetime(tzinfo=UTC) if request.HasField("created_from") else None
        wanted = Wanted(created_from, request.include_retired, vectors=release is not None)
        items = await self._holdings.catalogue.page(request.shop_id, after, size, wanted)
        more = len(items) == size
        answer = pb.ListItemsResponse(
            next_page_token=f"{watch_cursor}|{items[-1].item_id}" if more else "", watch_cursor=watch_cursor
        )
        await _tell(answer, items, release)
        return answer

    async def WatchItems(  # type: ignore[override]  # noqa: N802
        self, request: pb.WatchItemsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchItemsResponse]:
        """Changes after the cursor, then new ones as they happen."""
        requests.check_watch_items(request)
        release = self._vectors_of(request.shop_id, request.vector_release_id)
        cursor, told = Cursor.parse(request.cursor), False
        while True:
            changes = await self._holdings.catalogue.changes(
                request.shop_id, cursor, WATCH_PAGE, vectors=release is not None
            )
            cursor = changes.cursor
            # A last page that is full says nothing of the end: an empty message says it then.
            if changes.items or changes.deleted_item_ids or not told:
                answer = pb.WatchItemsResponse(
                    cursor=str(cursor), deleted_item_ids=changes.deleted_item_ids, up_to_date=changes.complete
                )
                await _tell(answer, changes.items, release)
                yield answer
            told = changes.complete
            if changes.complete and request.stop_at_end:
                return
            if changes.complete:
                await asyncio.sleep(self._holdings.settings.watch_poll_s)

    async def DeleteItems(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteItemsRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteItemsResponse:
        """Delete items; unknown ids are listed."""
        requests.check_delete_items(request)
        deleted = await self._holdings.catalogue.delete(request.shop_id, request.item_ids)
        gone = frozenset(deleted)
        missing = [item_id for item_id in dict.fromkeys(request.item_ids) if item_id not in gone]
        return pb.DeleteItemsResponse(deleted_count=len(deleted), missing_item_ids=missing)

    async def GetFeatureProgress(  # type: ignore[override]  # noqa: N802
        self, request: pb.GetFeatureProgressRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetFeatureProgressResponse:
        """What waits, what is done, what failed and why."""
        requests.check_shop(request.shop_id, request.request_id)
        progress = await self._holdings.features.progress(request.shop_id)
        return pb.GetFeatureProgressResponse(
            waiting_count=progress.waiting,
            done_count=progress.done,
            failed_count=progress.failed,
            failures=[
                pb.ItemError(
                    item_id=item_id,
                    field="images[0]",
                    reason=failure.partition(": ")[0],
                    description=failure.partition(": ")[2],
                    kept_item=True,
                )
                for item_id, failure in progress.failures
            ],
        )

    async def ExportFeatures(  # type: ignore[override]  # noqa: N802
        self, request: pb.ExportFeaturesRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ExportFeaturesResponse]:
        """Raw features of all items that have them."""
        requests.check_shop(request.shop_id, request.request_id)
        kind, cursor = await self._holdings.features.newest_kind(request.shop_id), Cursor()
        while True:
            changes = await self._holdings.features.changes(request.shop_id, cursor, EXPORT_PAGE)
            cursor = changes.cursor
            if current := [each for each in changes.features if kind.made(each)]:
                yield _features_message(current, kind)
            if changes.complete:
                return

    async def _to_read(self, request: pb.GetItemsRequest) -> list[str]:
        """The items asked for, in order, without those that are at the revision the caller holds."""
        item_ids = list(request.item_ids)
        revisions = zip(item_ids, request.known_revisions, strict=False)
        held = {item_id: revision for item_id, revision in revisions if revision}
        changed = await self._holdings.catalogue.changed(request.shop_id, held) if held else frozenset()
        return [item_id for item_id in item_ids if item_id not in held or item_id in changed]

    def _vectors_of(self, shop_id: str, release_id: str) -> VisionRelease | None:
        return self._holdings.releases.get(shop_id, release_id) if release_id else None


async def _tell(
    answer: pb.ListItemsResponse | pb.WatchItemsResponse, items: Sequence[StoredFacts], release: VisionRelease | None
) -> None:
    for start in range(0, len(items), ITEMS_BETWEEN_PAUSES):
        for facts in items[start : start + ITEMS_BETWEEN_PAUSES]:
            add_facts(answer.items, facts, release)
        await asyncio.sleep(0)  # pages are answered meanwhile


def _page_token(token: str) -> tuple[str, str]:
    """Watch cursor and last item id of a page token. Raises: InvalidRequest."""
    if not token:
        return "", ""
    cursor, separator, after = token.partition("|")
    if not separator or "\x00" in after:
        raise InvalidRequest.of("page_token", "send a token as it was received, or leave it empty to start anew")
    Cursor.parse(cursor, "page_token")
    return cursor, after


def _features_message(batch: list[ItemFeatures], kind: FeatureKind) -> pb.ExportFeaturesResponse:
    empty = np.zeros(kind.image_width, np.float16)
    return pb.ExportFeaturesResponse(
        item_ids=[each.item_id for each in batch],
        image_features=b"".join((empty if each.image is None else each.image).tobytes() for each in batch),
        image_width=kind.image_width,
        text_features=b"".join(each.text.tobytes() for each in batch),
        text_width=len(batch[0].text),
        image_hashes=[each.image_hash for each in batch],
        image_backbone=kind.image_backbone,
        text_encoder=kind.text_encoder,
    )
