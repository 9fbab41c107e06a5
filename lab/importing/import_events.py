"""The import of events: read, check and send them in a stream, in constant memory."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lab.background import Task
from lab.importing.columns import ColumnMapper
from lab.importing.events import EventReader
from lab.importing.known_items import KnownItems
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from lab.importing.shape import shape_of_events
from lab.importing.spool import Spool
from lab.importing.tally import Tally
from vitrine.user_profile.v1 import user_profile_pb2 as pb

EVENTS_A_STREAM = 10_000
_Read = tuple[Row, Any]
_CONFLICT = Violation("event_id", "event_conflict", "the id came before with other content; give each event its own")


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
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._reader = EventReader(now, mapping.price_unit, ledger.filled)
        self._known_items = known_items
        self._pending: list[_Read] = []
        self._sending: tuple[list[_Read], Tally, Task[Any]] | None = None

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services (a dry run) everything is done but the sending.

        Raises: ServiceRefused.
        """
        with Spool(self._ledger.folder.spool) as spool:
            for row in rows:
                self._take(row, spool)
                if len(self._pending) >= EVENTS_A_STREAM or self._ledger.open.heavy:
                    self._send()
            self._send()
            self._settle()

    def _take(self, row: Row | BrokenRow, spool: Spool) -> None:
        ledger = self._ledger
        ledger.read()
        if isinstance(row, BrokenRow):
            ledger.broken(row)
            return
        try:
            event = self._reader.read(self._mapper.fields_of(row.values))
        except RowRefused as refusal:
            ledger.rejected(row.line, refusal.violation, row.values)
            return
        # user_profile knows every id it ever recorded; only a dry run has to remember them here.
        known = "new" if self._services is not None else spool.event_is(*_digests(event))
        if known == "new":
            if self._known_items is not None and event.item_id and event.item_id not in self._known_items:
                ledger.dangling("items", row.line, event.item_id)
            self._pending.append((row, event))
        elif known == "same":
            ledger.merged("recorded before")
        else:
            ledger.rejected(row.line, _CONFLICT, row.values)

    def _send(self) -> None:
        """Send what was read, while the next lines are read; at most one stream is under way."""
        pending, self._pending = self._pending, []
        self._ledger.shaped(shape_of_events(event for _, event in pending))
        services = self._services
        if services is None:
            self._ledger.imported(len(pending))
            self._ledger.commit()
            return
        self._settle()
        tally = self._ledger.cut()
        events, shop_id = [event for _, event in pending], self._ledger.report.shop_id
        self._sending = pending, tally, Task("send events", lambda: services.send_events(shop_id, events))

    def _settle(self) -> None:
        """Wait for the stream that is under way and count what became of it."""
        if self._sending is not None:
            sent, tally, task = self._sending
            self._sending = None
            _account(sent, tally, task.result())
            self._ledger.commit(tally)
            self._ledger.checkpoint()


def _account(pending: list[_Read], tally: Tally, answer: Any) -> None:
    """Count what became of a batch of events into the batch's tally."""
    tally.imported(int(answer.recorded_count))
    tally.merged("recorded before", int(answer.duplicate_count))
    for rejection in answer.rejections:
        row, _ = pending[rejection.index]
        violation = Violation(rejection.field, rejection.reason.lower(), rejection.description)
        tally.rejected(row.line, violation, row.values)
    for _ in range(int(answer.rejected_count) - len(answer.rejections)):
        unlisted = Violation("", "refused_by_service", "refused by user_profile beyond the thousand it lists")
        tally.rejected(0, unlisted, None)
    for _ in range(int(answer.declined_count)):
        declined = Violation("", "consent_refused", "the user agreed neither to personalisation nor to analytics")
        tally.rejected(0, declined, None)


def _digests(event: pb.Event) -> tuple[bytes, bytes]:
    """Return digests of an event's id and of its content."""
    content = event.SerializeToString(deterministic=True)
    return (
        hashlib.blake2b(event.event_id.encode(), digest_size=16).digest(),
        hashlib.blake2b(content, digest_size=16).digest(),
    )
