"""Streams a shop's events, pages or items from the services into a Parquet file, in constant memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Literal

import grpc
import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf.timestamp_pb2 import Timestamp

from lab.channels import open_channel
from lab.exporting.tables import TABLES, Table
from lab.exporting.variants import about_items
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

Kind = Literal["events", "pages", "items"]
MESSAGES_A_GROUP = 20_000
ITEMS_A_PAGE = 1_000
MOST_IDLE_STREAMS = 3
"""A service that ends so many streams in a row without anything new is down."""
SERVICE_OF: Mapping[Kind, str] = {"events": "user_profile", "pages": "page_composer", "items": "item_vision"}


@dataclass(frozen=True)
class ExportJob:
    """What to export, and where to."""

    kind: Kind
    shop_id: str
    output: Path
    since: datetime | None = None
    """Only what happened at or after this time (events, pages)."""
    before: datetime | None = None
    """Only what happened before this time (events, pages)."""


def run_export(
    job: ExportJob, addresses: Mapping[str, Sequence[str]], progress: Callable[[int], None] = lambda _rows: None
) -> int:
    """Write the file; returns how many rows it has. The file appears when it is complete.

    Events that name a variant are written with its item, when item_vision is among the addresses.
    Raises: RpcError; OSError.
    """
    service = SERVICE_OF[job.kind]
    job.output.parent.mkdir(parents=True, exist_ok=True)
    draft = job.output.with_name(job.output.name + ".new")
    try:
        with ExitStack() as channels:
            channel = channels.enter_context(open_channel(addresses[service], f"vitrine.{service}.v1"))
            messages = _MESSAGES[job.kind](job, channel)
            if job.kind == "events" and "item_vision" in addresses:
                other = channels.enter_context(open_channel(addresses["item_vision"], "vitrine.item_vision.v1"))
                messages = about_items(messages, item_vision_pb2_grpc.CatalogueServiceStub(other), job.shop_id)
            count = write_rows(draft, TABLES[job.kind], messages, progress)
        draft.replace(job.output)
    finally:
        draft.unlink(missing_ok=True)
    return count


def write_rows(path: Path, table: Table, messages: Iterator[Any], progress: Callable[[int], None]) -> int:
    """Write the rows of messages, a group at a time; returns how many."""
    count = 0
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        while group := list(islice(messages, MESSAGES_A_GROUP)):
            written = _arrow(table, group)
            writer.write_table(written)
            count += written.num_rows
            progress(count)
    if not count:
        progress(0)
    return count


def _arrow(table: Table, group: list[Any]) -> pa.Table:
    if table.write_columns is not None:
        return pa.table(dict(table.write_columns(group)), schema=table.schema)
    return pa.Table.from_pylist([row for message in group for row in table.rows(message)], schema=table.schema)


def _events(job: ExportJob, channel: grpc.Channel) -> Iterator[user_profile_pb2.Event]:
    """Events in time order. A server ends connections after a while; the export then goes on where it was cut."""
    request = user_profile_pb2.ExportEventsRequest(shop_id=job.shop_id)
    if job.since is not None:
        request.occurred_from.FromDatetime(job.since)
    if job.before is not None:
        request.occurred_before.FromDatetime(job.before)
    stub = user_profile_pb2_grpc.UserProfileServiceStub(channel)
    newest = _NewestMoment()
    idle = 0
    while True:
        # The moment it was cut in is asked for again: what came of it already is left out.
        had = frozenset(newest.event_ids)
        idle += 1
        try:
            for answer in stub.ExportEvents(request):
                events = [event for event in answer.events if event.event_id not in had] if had else answer.events
                if events:
                    idle = 0
                    yield from events
                    newest.pass_on(events)
            return
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or newest.at is None or idle >= MOST_IDLE_STREAMS:
                raise
            request.occurred_from.CopyFrom(newest.at)


class _NewestMoment:
    """The last time that came, and the ids of its events; each event is looked at once, as a day without times is one
    moment of a million.
    """

    def __init__(self) -> None:
        self.at: Timestamp | None = None
        self.event_ids: set[str] = set()

    def pass_on(self, events: Sequence[user_profile_pb2.Event]) -> None:
        """Take in the next events."""
        at = events[-1].occurred_at
        if at != self.at:
            self.at = at
            self.event_ids.clear()
        of_moment = takewhile(lambda event: event.occurred_at == at, reversed(events))
        self.event_ids.update(event.event_id for event in of_moment)


def _pages(job: ExportJob, channel: grpc.Channel) -> Iterator[page_composer_pb2.LoggedPage]:
    request = page_composer_pb2.ExportPagesRequest(shop_id=job.shop_id)
    if job.since is not None:
        request.composed_from.FromDatetime(job.since)
    if job.before is not None:
        request.composed_before.FromDatetime(job.before)
    for answer in page_composer_pb2_grpc.PageComposerServiceStub(channel).ExportPages(request):
        yield from answer.pages


def _items(job: ExportJob, channel: grpc.Channel) -> Iterator[item_vision_pb2.ItemFacts]:
    catalogue = item_vision_pb2_grpc.CatalogueServiceStub(channel)
    request = item_vision_pb2.ListItemsRequest(shop_id=job.shop_id, page_size=ITEMS_A_PAGE)
    while True:
        page = catalogue.ListItems(request)
        yield from page.items
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


_MESSAGES: Mapping[Kind, Callable[[ExportJob, grpc.Channel], Iterator[Any]]] = {
    "events": _events,
    "pages": _pages,
    "items": _items,
}
