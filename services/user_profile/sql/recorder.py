"""Writing batches of events: one transaction, all or nothing, a handful of statements whatever the batch's size."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import transaction
from services.user_profile import recording
from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Purpose
from services.user_profile.events import Event
from services.user_profile.profile import ProfileEvent, kept_beyond_window
from services.user_profile.recording import Recording, Screening
from services.user_profile.sql import joining, subjects
from services.user_profile.sql.bulk import RowAdder, bound, bulk_insert
from services.user_profile.sql.event_rows import COLUMNS, to_row
from services.user_profile.sql.moments import microseconds, moment
from services.user_profile.sql.partitions import Partitions
from services.user_profile.tables import SCHEMA, recent_events
from services.user_profile.tables import events as events_table

_LEDGER = {"event_id": "text", "payload_hash": "bytea"}

_INSERT_LEDGER = bulk_insert(
    f"{SCHEMA}.event_ledger", _LEDGER, "ON CONFLICT (shop_id, event_id) DO NOTHING RETURNING event_id"
)
_KNOWN_HASHES = text(
    f"SELECT event_id, payload_hash FROM {SCHEMA}.event_ledger WHERE shop_id = :shop_id AND event_id = ANY(:event_ids)"
)
_EVENTS = RowAdder(events_table, COLUMNS)
_RECENT = RowAdder(recent_events, ("shop_id", "subject", "occurred_at", "action", "item_id", "query"))
_READ_RECENT = text(
    f"SELECT id, occurred_at, action, item_id FROM {SCHEMA}.recent_events "
    "WHERE shop_id = :shop_id AND subject = :subject ORDER BY occurred_at, action, item_id"
)
_PRUNE = text(
    f"DELETE FROM {SCHEMA}.recent_events WHERE shop_id = :shop_id AND subject = :subject AND NOT id = ANY(:kept)"
)

# Pruned when half as much again has gathered, so that it is rare and a read never sees much more than the window.
_SLACK = 1.5


class Recorder:
    """Records batches. The order of locks is the same in every batch: subjects by pseudonym, then event ids."""

    def __init__(
        self, engine: AsyncEngine, partitions: Partitions, granted_by_default: frozenset[Purpose], window: int
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._granted_by_default = granted_by_default
        self._window = window

    async def record(self, shop_id: str, events: Sequence[Event], now_us: int, *, refuse_conflicts: bool) -> Recording:
        """Record a batch durably. With `refuse_conflicts` a conflict refuses the whole batch, otherwise only its event.

        Raises: Conflict (EVENT_CONFLICT, metadata event_id); DependencyDown.
        """
        await self._partitions.ensure(event.occurred_us for event in events)
        async with transaction(self._engine) as connection:
            rows = await subjects.lock(connection, shop_id, recording.subjects_of(events))
            states = {subject: row.state for subject, row in rows.items()}
            screening = recording.screen(events, states, self._granted_by_default)
            settlement = recording.settle(screening, await _enter(connection, shop_id, screening))
            if settlement.conflicts and refuse_conflicts:
                raise recording.conflict(events[settlement.conflicts[0]].event_id)
            assignment = recording.assign(settlement.fresh, states)
            await joining.join(connection, shop_id, assignment.joins, rows)
            await _insert(connection, shop_id, list(zip(settlement.fresh, assignment.owners, strict=True)), now_us)
            recent_counts = await subjects.grow(connection, shop_id, assignment.growth)
            await self._prune(connection, shop_id, recent_counts)
            if screening.declined_count:
                await subjects.forget_unused(connection, shop_id, rows)
        return Recording(
            recorded_count=len(settlement.fresh),
            duplicate_count=settlement.duplicate_count,
            declined_count=screening.declined_count,
            versions=recording.versions_after(events, states, assignment.growth),
            conflicts=settlement.conflicts,
        )

    async def _prune(self, connection: AsyncConnection, shop_id: str, recent_counts: Mapping[bytes, int]) -> None:
        """Keep recent_events bounded: what a profile needs stays."""
        for subject, count in recent_counts.items():
            if count > self._window * _SLACK:
                key = {"shop_id": shop_id, "subject": subject}
                rows = list(await connection.execute(_READ_RECENT, key))
                deeds = [ProfileEvent(microseconds(row[1]), row[2], row[3]) for row in rows]
                kept = [rows[position][0] for position in kept_beyond_window(deeds, self._window)]
                await connection.execute(_PRUNE, {**key, "kept": kept})
                await subjects.set_recent_count(connection, shop_id, subject, len(kept))


async def _enter(connection: AsyncConnection, shop_id: str, screening: Screening) -> dict[str, bytes]:
    """Enter the batch in the ledger; answers the hashes of the ids that were there already."""
    accepted = screening.accepted
    if not accepted:
        return {}
    entries = [(event_id, accepted[event_id].payload_hash) for event_id in sorted(accepted)]
    entered = await connection.execute(_INSERT_LEDGER, {"shop_id": shop_id, **bound(_LEDGER, entries)})
    old = accepted.keys() - {row[0] for row in entered}
    if not old:
        return {}
    known = await connection.execute(_KNOWN_HASHES, {"shop_id": shop_id, "event_ids": sorted(old)})
    return {row[0]: bytes(row[1]) for row in known}


async def _insert(connection: AsyncConnection, shop_id: str, owned: Sequence[tuple[Event, bytes]], now_us: int) -> None:
    if not owned:
        return
    recorded_at = moment(now_us)
    rows = [to_row(shop_id, event, owner, recorded_at) for event, owner in owned]
    await _EVENTS.add(connection, rows)
    recent = [
        (shop_id, owner, moment(event.occurred_us), event.action, event.item_id, event.query or None)
        for event, owner in owned
        if event.action != IMPRESSION
    ]
    if recent:
        await _RECENT.add(connection, recent)
