"""Sends events while the next ones are read, and counts what became of them once they are durable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.background import Task
from lab.importing.content_ids import ContentIds, Keys
from lab.importing.ledger import Ledger
from lab.importing.problems import Violation
from lab.importing.reading.rows import Row
from lab.importing.tally import Tally

RowOf = Callable[[int], Row]
"""Returns the row of the file behind an event, by the event's position in what was sent."""


@dataclass(frozen=True)
class _Stream:
    """A stream under way, and what is to be accounted for when it has ended."""

    row_of: RowOf
    tally: Tally
    keys: Keys
    task: Task[Any]


class EventSending:
    """At most one stream is under way; streams end in file order, because what a session does before it joins a user
    must be recorded before. While one is written down (three waits for the disk), the next is on its way.
    """

    def __init__(self, ledger: Ledger, ids: ContentIds) -> None:
        self._ledger = ledger
        self._ids = ids
        self._under_way: _Stream | None = None

    def send(self, call: Callable[[], Any], row_of: RowOf) -> None:
        """Begin to send what was read since the last time; `call` answers StreamEventsResponse. Raises: ServiceRefused
        when the stream before was.
        """
        before, self._under_way = self._under_way, None
        answer = before.task.result() if before is not None else None
        tally, keys = self._ledger.cut(), self._ids.cut()
        self._under_way = _Stream(row_of, tally, keys, Task("send events", call))
        if before is not None:
            self._write_down(before, answer)

    def settle(self) -> None:
        """Wait for the stream that is under way and account for it. Raises: ServiceRefused."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            self._write_down(under_way, under_way.task.result())

    def _write_down(self, stream: _Stream, answer: Any) -> None:
        _account(stream, answer)
        self._ledger.commit(stream.tally)
        self._ids.keep(stream.keys, self._ledger.report.read)
        self._ledger.checkpoint()


def _account(stream: _Stream, answer: Any) -> None:
    """Count what became of a stream into its tally."""
    tally = stream.tally
    tally.imported(int(answer.recorded_count))
    tally.merged("recorded before", int(answer.duplicate_count))
    for rejection in answer.rejections:
        row = stream.row_of(rejection.index)
        violation = Violation(rejection.field, rejection.reason.lower(), rejection.description)
        tally.rejected(row.line, violation, row.values)
    for _ in range(int(answer.rejected_count) - len(answer.rejections)):
        unlisted = Violation("", "refused_by_service", "refused by user_profile beyond the thousand it lists")
        tally.rejected(0, unlisted, None)
    for _ in range(int(answer.declined_count)):
        declined = Violation("", "consent_refused", "the user agreed neither to personalisation nor to analytics")
        tally.rejected(0, declined, None)
