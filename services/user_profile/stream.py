"""One import stream: each message is a batch of its own, and what is refused is listed, not fatal."""

from collections.abc import Sequence
from typing import Final

from services.kit.errors import DependencyDown, FieldViolation
from services.kit.executor import BoundedExecutor
from services.user_profile.event_reader import EventReader
from services.user_profile.events import Event
from services.user_profile.store import Store
from services.user_profile.tallies import Tallies
from vitrine.user_profile.v1 import user_profile_pb2 as pb

MAX_LISTED_REJECTIONS: Final = 1_000


class StreamImport:
    """Takes messages one after the other and keeps the answer."""

    def __init__(self, shop_id: str, store: Store, executor: BoundedExecutor, tallies: Tallies) -> None:
        self.shop_id = shop_id
        self.answer = pb.StreamEventsResponse()
        """What became of the stream so far."""
        self._store = store
        self._executor = executor
        self._tallies = tallies
        self._durable_messages = 0
        self._index = 0

    async def take(self, messages: Sequence[pb.Event], reader: EventReader) -> None:
        """Record one message.

        Raises: DependencyDown with metadata recorded_batch_count, the number of messages that are durable.
        """
        read = await self._executor.run(_read_all, messages, reader)
        positions = [position for position, (event, _) in enumerate(read) if event is not None]
        events = [event for event, _ in read if event is not None]
        conflicts: Sequence[int] = ()
        if events:
            try:
                recording = await self._store.record(self.shop_id, events, reader.now_us, refuse_conflicts=False)
            except DependencyDown as error:
                error.metadata["recorded_batch_count"] = str(self._durable_messages)
                raise
            self._tallies.count(recording)
            self.answer.recorded_count += recording.recorded_count
            self.answer.duplicate_count += recording.duplicate_count
            self.answer.declined_count += recording.declined_count
            conflicts = recording.conflicts
        self._reject(messages, read, {positions[conflict] for conflict in conflicts})
        self._durable_messages += 1
        self._index += len(messages)

    def _reject(
        self,
        messages: Sequence[pb.Event],
        read: Sequence[tuple[Event | None, tuple[FieldViolation, ...]]],
        in_conflict: set[int],
    ) -> None:
        for position, (_, violations) in enumerate(read):
            if violations:
                first = violations[0]
                self._list(position, messages[position].event_id, "INVALID_REQUEST", first)
            elif position in in_conflict:
                description = "the event id is already recorded with other content; give every event an id of its own"
                fault = FieldViolation("event_id", description)
                self._list(position, messages[position].event_id, "EVENT_CONFLICT", fault)

    def _list(self, position: int, event_id: str, reason: str, fault: FieldViolation) -> None:
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


def _read_all(
    messages: Sequence[pb.Event], reader: EventReader
) -> list[tuple[Event | None, tuple[FieldViolation, ...]]]:
    return [reader.read(message) for message in messages]
