"""Sends events while the next ones are read, and counts what became of them once they are durable."""

from collections.abc import Callable
from typing import Any

from lab.background import Task
from lab.importing.content_ids import ContentIds, Keys
from lab.importing.ledger import Ledger
from lab.importing.problems import Violation
from lab.importing.reading.rows import Row
from lab.importing.tally import Tally

RowOf = Callable[[int], Row]
"""Returns the row of the file behind an event, by the event's position in what was sent."""


class EventSending:
    """At most one stream is under way; streams end in file order, because what a session does before it joins a user
    must be recorded before.
    """

    def __init__(self, ledger: Ledger, ids: ContentIds) -> None:
        self._ledger = ledger
        self._ids = ids
        self._under_way: tuple[RowOf, Tally, Keys, Task[Any]] | None = None

    def send(self, call: Callable[[], Any], row_of: RowOf) -> None:
        """Begin to send what was read since the last time; `call` answers StreamEventsResponse."""
        self.settle()
        tally, keys = self._ledger.cut(), self._ids.cut()
        self._under_way = row_of, tally, keys, Task("send events", call)

    def settle(self) -> None:
        """Wait for the stream that is under way and account for it. Raises: ServiceRefused."""
        if self._under_way is None:
            return
        row_of, tally, keys, task = self._under_way
        self._under_way = None
        _account(row_of, tally, task.result())
        self._ledger.commit(tally)
        self._ids.keep(keys, self._ledger.report.read)
        self._ledger.checkpoint()


def _account(row_of: RowOf, tally: Tally, answer: Any) -> None:
    """Count what became of a stream into its tally."""
    tally.imported(int(answer.recorded_count))
    tally.merged("recorded before", int(answer.duplicate_count))
    for rejection in answer.rejections:
        row = row_of(rejection.index)
        violation = Violation(rejection.field, rejection.reason.lower(), rejection.description)
        tally.rejected(row.line, violation, row.values)
    for _ in range(int(answer.rejected_count) - len(answer.rejections)):
        unlisted = Violation("", "refused_by_service", "refused by user_profile beyond the thousand it lists")
        tally.rejected(0, unlisted, None)
    for _ in range(int(answer.declined_count)):
        declined = Violation("", "consent_refused", "the user agreed neither to personalisation nor to analytics")
        tally.rejected(0, declined, None)
