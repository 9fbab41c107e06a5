"""The import of events: read, check and send them in a stream, in constant memory."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lab.importing.amounts import Amounts
from lab.importing.arrow_events import ArrowReader, takes
from lab.importing.columns import ColumnMapper
from lab.importing.content_ids import ContentIds
from lab.importing.event_sending import EventSending
from lab.importing.event_table import EventTable
from lab.importing.events import EventReader
from lab.importing.known_items import KnownItems
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.packing import content_of
from lab.importing.problems import FileRefused, RowRefused, Violation
from lab.importing.reading.parquet import ParquetSource
from lab.importing.reading.reading import Reading
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from lab.importing.shape import shape_of_events
from lab.importing.spool import Spool
from vitrine.user_profile.v1 import user_profile_pb2 as pb

EVENTS_A_STREAM = 10_000
BATCHES_A_STREAM = 8
"""Batches of a Parquet file, each a message; the service reads one while it records the one before."""
_NUMBERED = "event_id: numbered, the file says the same before"
_CONFLICT = Violation("event_id", "event_conflict", "the id came before with other content; give each event its own")


@dataclass(frozen=True)
class _Portion:
    """A batch that was read and is to be sent."""

    first_line: int
    batch: pa.RecordBatch
    rows: list[int]
    """The rows of the batch behind the message's events."""
    message: pb.EventColumns


class EventImport:
    """One file of events."""

    def __init__(
        self,
        mapping: KindMapping,
        ledger: Ledger,
        services: Services | None,
        now: datetime,
        known_items: KnownItems | None,
    ) -> None:
        self._ledger = ledger
        self._services = services
        self._mapping = mapping
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._reader = EventReader(now, Amounts.of(mapping), ledger.filled)
        self._known_items = known_items
        self._ids = ContentIds(
            ledger.folder.path / "contents.bin", ledger.report.read, merge_repeats=mapping.repeats == "merge"
        )
        self._sending = EventSending(ledger, self._ids)
        self._pending: list[tuple[Row, pb.Event]] = []
        self._portions: list[_Portion] = []

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services (a dry run) everything is done but the sending.

        Raises: ServiceRefused.
        """
        with Spool(self._ledger.folder.spool) as spool:
            source = rows.source if isinstance(rows, Reading) else None
            if isinstance(rows, Reading) and isinstance(source, ParquetSource) and takes(self._mapping, source.schema):
                self._run_in_columns(rows, source, spool)
                return
            for row in rows:
                self._ledger.read()
                event = self._read(row)
                if event is not None and isinstance(row, Row):
                    self._pending.append((row, event))
                if len(self._pending) >= EVENTS_A_STREAM or self._ledger.open.heavy:
                    self._send(spool)
            self._send(spool)
            self._sending.settle()

    def _read(self, row: Row | BrokenRow) -> pb.Event | None:
        """Return the event of a row; None, counted as rejected, when it cannot be one."""
        if isinstance(row, BrokenRow):
            self._ledger.broken(row)
            return None
        try:
            return self._reader.read(self._mapper.fields_of(row.values))
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)
            return None

    def _send(self, spool: Spool) -> None:
        pending, self._pending = self._pending, []
        without = [event for _, event in pending if not event.event_id]
        seconds = [event.occurred_at.seconds for event in without]
        for event, event_id in zip(without, self._named(list(map(content_of, without)), seconds), strict=True):
            event.event_id = event_id
        services = self._services
        if services is None:
            contents = (content_of(event) for _, event in pending)
            told = zip(pending, contents, strict=True)
            pending = [each for each, content in told if self._is_new(spool, each[0], each[1].event_id, content)]
        self._ledger.shaped(shape_of_events(event for _, event in pending))
        if self._known_items is not None:
            for place in self._known_items.unknown([event.item_id for _, event in pending]):
                self._ledger.dangling("items", pending[place][0].line, pending[place][1].item_id)
        if services is None:
            self._ledger.imported(len(pending))
            self._ledger.commit()
            return
        events, shop_id = [event for _, event in pending], self._ledger.report.shop_id
        self._sending.send(lambda: services.send_events(shop_id, events), lambda position: pending[position][0])

    def _run_in_columns(self, reading: Reading, source: ParquetSource, spool: Spool) -> None:
        reader = ArrowReader(self._mapping, self._reader)
        line = reading.skip
        try:
            for batch in source.batches(reading.skip):
                try:
                    table = reader.read(batch)
                except (pa.ArrowInvalid, UnicodeDecodeError) as error:
                    raise source.damaged(line, error) from error
                self._take(line + 1, batch, table, spool)
                line += batch.num_rows
                reading.tell(line)
                if len(self._portions) >= BATCHES_A_STREAM or self._ledger.open.heavy:
                    self._send_portions()
        except FileRefused as error:
            if str(error) not in reading.problems:
                reading.problems.append(str(error))
        self._send_portions()
        self._sending.settle()
        reading.progress(source.total_bytes, source.total_bytes, line)

    def _take(self, first_line: int, batch: pa.RecordBatch, table: EventTable, spool: Spool) -> None:
        ledger = self._ledger
        ledger.read(batch.num_rows)
        for row in (~table.accepted).nonzero()[0].tolist():
            event = self._read(_row_of(batch, first_line, row))
            if event is not None:
                table.put(row, event)
        table.settle()
        for fill, count in table.filled.items():
            ledger.filled(fill, count)
        rows = self._name(table)
        if self._services is None:
            rows = self._new(first_line, batch, table, spool)
        ledger.shaped(table.shape(rows))
        if self._known_items is not None:
            for row, item_id in table.unknown_items(self._known_items.unknown, rows):
                ledger.dangling("items", first_line + row, item_id)
        if self._services is None:
            ledger.imported(len(rows))
            ledger.commit()
        else:
            self._portions.append(_Portion(first_line, batch, rows.tolist(), table.columns(rows)))

    def _name(self, table: EventTable) -> NDArray[np.int64]:
        """Give the accepted rows without an id one; return the accepted rows."""
        rows = table.rows()
        lacks = np.fromiter((not table.event_ids[row] for row in rows.tolist()), np.bool_, len(rows))
        if lacks.any():
            without = rows[lacks]
            named = self._named(table.contents(without), table.seconds(without))
            for row, event_id in zip(without.tolist(), named, strict=True):
                table.event_ids[row] = event_id
        return rows

    def _new(self, first_line: int, batch: pa.RecordBatch, table: EventTable, spool: Spool) -> NDArray[np.int64]:
        """Return the accepted rows that a dry run meets for the first time."""
        rows = table.rows()
        for row, content in zip(rows.tolist(), table.contents(rows), strict=True):
            origin = _row_of(batch, first_line, row)
            table.accepted[row] = self._is_new(spool, origin, table.event_ids[row], content)
        return table.rows()

    def _send_portions(self) -> None:
        portions, self._portions = self._portions, []
        services, shop_id = self._services, self._ledger.report.shop_id
        if services is None:
            return
        messages = [portion.message for portion in portions]

        def row_of(position: int) -> Row:
            for portion in portions:
                if position < len(portion.rows):
                    return _row_of(portion.batch, portion.first_line, portion.rows[position])
                position -= len(portion.rows)
            raise IndexError("the service rejected an event that was not sent")

        self._sending.send(lambda: services.send_event_columns(shop_id, messages), row_of)

    def _named(self, contents: list[str], seconds: list[int]) -> list[str]:
        ids = self._ids.name(contents, seconds)
        self._ledger.filled(_NUMBERED, sum("-" in event_id for event_id in ids))
        return ids

    def _is_new(self, spool: Spool, row: Row, event_id: str, content: str) -> bool:
        """Say whether a dry run meets an event for the first time. Of a real one user_profile knows all it recorded."""
        known = spool.event_is(_digest(event_id), _digest(content))
        if known == "same":
            self._ledger.merged("recorded before")
        elif known == "conflict":
            self._ledger.rejected(row.line, _CONFLICT, row.values)
        return known == "new"


def _row_of(batch: pa.RecordBatch, first_line: int, row: int) -> Row:
    return Row(first_line + row, batch.slice(row, 1).to_pylist()[0])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
