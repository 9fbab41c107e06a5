"""One import stream: each message is a batch of its own, and what is refused is listed, not fatal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.kit.errors import DependencyDown, FieldViolation
from services.kit.executor import BoundedExecutor
from services.user_profile.column_reader import read_columns
from services.user_profile.event_reader import EventReader
from services.user_profile.recording import Batch
from services.user_profile.store import Store
from services.user_profile.tallies import Tallies
from vitrine.user_profile.v1 import user_profile_pb2 as pb

MAX_LISTED_REJECTIONS: Final = 1_000
_CONFLICT: Final = FieldViolation(
    "event_id", "the event id is already recorded with other content; give every event an id of its own"
)


@dataclass(frozen=True)
class _Read:
    """A message as read."""

    event_ids: Sequence[str]
    """Of every event of the message."""
    batch: Batch
    """Of the events that are in order."""
    positions: Sequence[int]
    """Where in the message each event of the batch stands."""
    wrong: Mapping[int, FieldViolation]
    """Position of each other event → the first rule that it breaks."""
    now_us: int


class StreamImport:
    """Takes messages one after the other and keeps the answer. While one is being recorded, the next is read: never
    more than two are held.
    """

    def __init__(self, shop_id: str, store: Store, executor: BoundedExecutor, tallies: Tallies) -> None:
        self.shop_id = shop_id
        self.answer = pb.StreamEventsResponse()
        """What became of the stream so far."""
        self._store = store
        self._executor = executor
        self._tallies = tallies
        self._durable_messages = 0
        self._index = 0
        self._recording: asyncio.Task[None] | None = None

    async def take(self, request: pb.StreamEventsRequest, reader: EventReader) -> None:
        """Read a message, and begin to record it once the one before is durable.

        Raises: DependencyDown with metadata recorded_batch_count, the number of messages that are durable.
        """
        read = await self._executor.run(_read, request, reader)
        await self.settle()
        self._recording = asyncio.create_task(self._record(read))

    async def settle(self) -> None:
        """Wait until everything taken is durable. Raises: DependencyDown as `take`."""
        recording, self._recording = self._recording, None
        if recording is not None:
            await recording

    async def _record(self, read: _Read) -> None:
        in_conflict: set[int] = set()
        if read.positions:
            try:
                recording = await self._store.record(self.shop_id, read.batch, read.now_us, refuse_conflicts=False)
            except DependencyDown as error:
                error.metadata["recorded_batch_count"] = str(self._durable_messages)
                raise
            self._tallies.count(recording)
            self.answer.recorded_count += recording.recorded_count
            self.answer.duplicate_count += recording.duplicate_count
            self.answer.declined_count += recording.declined_count
            in_conflict = {read.positions[conflict] for conflict in recording.conflicts}
        for position in sorted({*in_conflict, *read.wrong}):
            if position in in_conflict:
                self._reject(position, read.event_ids[position], "EVENT_CONFLICT", _CONFLICT)
            else:
                self._reject(position, read.event_ids[position], "INVALID_REQUEST", read.wrong[position])
        self._durable_messages += 1
        self._index += len(read.event_ids)

    def _reject(self, position: int, event_id: str, reason: str, fault: FieldViolation) -> None:
        self.answer.rejected_count += 1
        self._tallies.count_rejected(reason)
        if len(self.answer.rejections) < MAX_LISTED_REJECTIONS:
            self.answer.rejections.add(
                index=self._index + position,
                event_id=event_id,
                field=fault.field,
                reason=reason,
                description=fault.description,
            )


def _read(request: pb.StreamEventsRequest, reader: EventReader) -> _Read:
    read = [reader.read(message) for message in request.events]
    wrong = {position: violations[0] for position, (_, violations) in enumerate(read) if violations}
    every = [event for event, _ in read]
    event_ids = [message.event_id for message in request.events]
    if request.columns.event_ids:
        events, violations_of = read_columns(request.columns, reader)
        wrong |= {len(every) + row: violations[0] for row, violations in violations_of.items()}
        every += events
        event_ids += request.columns.event_ids
    positions = [position for position in range(len(every)) if position not in wrong] if wrong else range(len(every))
    batch = Batch.of([event for event in every if event is not None])
    return _Read(event_ids, batch, positions, wrong, reader.now_us)
