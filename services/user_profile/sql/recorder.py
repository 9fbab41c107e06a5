"""Writing batches of events: one transaction, all or nothing, a handful of statements whatever the batch's size."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import transaction
from services.kit.executor import BoundedExecutor
from services.user_profile import recording
from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Purpose
from services.user_profile.events import Subject
from services.user_profile.recording import Assignment, Batch, Recording, Screening, Settlement, SubjectState
from services.user_profile.sql import copying, joining, pruning, subjects
from services.user_profile.sql.bulk import RowAdder, bound, bulk_insert
from services.user_profile.sql.event_rows import COLUMNS, to_row
from services.user_profile.sql.moments import moment
from services.user_profile.sql.partitions import Partitions
from services.user_profile.tables import SCHEMA, event_ledger, recent_events
from services.user_profile.tables import events as events_table

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_LEDGER = {"event_id": "text", "payload_hash": "bytea"}

_INSERT_LEDGER = bulk_insert(
    f"{SCHEMA}.event_ledger", _LEDGER, "ON CONFLICT (shop_id, event_id) DO NOTHING RETURNING event_id"
)
_KNOWN_HASHES = text(
    f"SELECT event_id, payload_hash FROM {SCHEMA}.event_ledger WHERE shop_id = :shop_id AND event_id = ANY(:event_ids)"
)
_EVENTS = RowAdder(events_table, COLUMNS)
_RECENT = RowAdder(recent_events, copying.RECENT_COLUMNS)

# At 1,000 rows COPY takes a third of the CPU of an INSERT from arrays (6 of 18 ms), but three round trips, not one.
_FEW = 20
# From so many events on a batch is first taken to be new altogether: its ids are copied into the ledger, which costs a
# third of asking for each. An import sends such batches; where one holds a known id, the batch is recorded anew.
_MANY = 2_000

# From so many events on the work between the statements takes more than 5 ms and leaves the event loop to others.
_LONG = 500


class Aside:
    """Does pure work on events: at once while they are few, else in the executor, so that profiles need not wait."""

    def __init__(self, executor: BoundedExecutor | None) -> None:
        self._executor = executor

    async def __call__(
        self, count: int, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do work on so many events. Raises: Overloaded."""
        if self._executor is None or count < _LONG:
            return work(*args, **kwargs)
        return await self._executor.run(work, *args, **kwargs)


async def side_by_side(statement: Coroutine[Any, Any, None], work: Awaitable[Result]) -> Result:
    """Work while PostgreSQL does. Returns, or fails, only when both have ended: a connection takes one statement at a
    time.
    """
    running = asyncio.create_task(statement)
    try:
        done = await work
    finally:
        await running
    return done


@dataclass(frozen=True)
class Rules:
    """What holds for every batch."""

    granted_by_default: frozenset[Purpose]
    window: int
    """Events that a profile looks back on."""


@dataclass(frozen=True)
class _Order:
    """A batch to be recorded, its subjects being locked."""

    shop_id: str
    batch: Batch
    screening: Screening
    states: Mapping[Subject, SubjectState]
    now_us: int
    refuse_conflicts: bool


@dataclass(frozen=True)
class _Plan:
    """What is to be written for it."""

    settlement: Settlement
    assignment: Assignment
    event_rows: bytes
    """Of the new events as COPY takes them; empty while they are few."""


class Recorder:
    """Records batches. The order of locks is the same in every batch: subjects by pseudonym, then event ids."""

    def __init__(self, engine: AsyncEngine, partitions: Partitions, rules: Rules, aside: Aside) -> None:
        self._engine = engine
        self._aside = aside
        self._partitions = partitions
        self._rules = rules
        # Shops whose last large batch held ids that were known: an import that is repeated.
        self._repeating: set[str] = set()

    async def record(self, shop_id: str, batch: Batch, now_us: int, *, refuse_conflicts: bool) -> Recording:
        """Record a batch durably. With `refuse_conflicts` a conflict refuses the whole batch, otherwise only its event.

        Raises: Conflict (EVENT_CONFLICT, metadata event_id); DependencyDown.
        """
        await self._partitions.ensure(event.occurred_us for event in batch.events)
        if len(batch.events) >= _MANY and shop_id not in self._repeating:
            try:
                return await self._record(shop_id, batch, now_us, refuse_conflicts=refuse_conflicts, all_new=True)
            except copying.KnownId:
                self._repeating.add(shop_id)
        done = await self._record(shop_id, batch, now_us, refuse_conflicts=refuse_conflicts, all_new=False)
        if done.recorded_count + done.declined_count == len(batch.events):
            self._repeating.discard(shop_id)
        return done

    async def _record(
        self, shop_id: str, batch: Batch, now_us: int, *, refuse_conflicts: bool, all_new: bool
    ) -> Recording:
        events = batch.events
        async with transaction(self._engine) as connection:
            rows = await subjects.lock(connection, shop_id, recording.subjects_of(events))
            states = {subject: row.state for subject, row in rows.items()}
            count, granted = len(events), self._rules.granted_by_default
            screening = await self._aside(count, recording.screen, batch, states, granted)
            plan = await self._enter(
                connection, _Order(shop_id, batch, screening, states, now_us, refuse_conflicts), all_new=all_new
            )
            fresh, assignment = plan.settlement.fresh, plan.assignment
            await joining.join(connection, shop_id, assignment.joins, rows)
            await self._insert(connection, shop_id, plan, now_us)
            recent_counts = await subjects.grow(connection, shop_id, assignment.growth)
            await pruning.prune(connection, shop_id, recent_counts, self._rules.window)
            if screening.declined_count:
                await subjects.forget_unused(connection, shop_id, rows)
        return Recording(
            recorded_count=len(fresh),
            duplicate_count=plan.settlement.duplicate_count,
            declined_count=screening.declined_count,
            versions=recording.versions_after(events, states, assignment.growth),
            conflicts=plan.settlement.conflicts,
        )

    async def _enter(self, connection: AsyncConnection, order: _Order, *, all_new: bool) -> _Plan:
        """Enter the batch in the ledger, and plan what to write.

        Raises: KnownId when `all_new` and an id was there already, and the transaction is then lost; Conflict.
        """
        accepted = order.screening.accepted
        if not all_new or not accepted:
            return await self._plan(order, await self._known(connection, order.shop_id, accepted))
        rows = await self._aside(len(accepted), copying.ledger_rows, order.shop_id, sorted(accepted.items()))
        entering = copying.copy(connection, event_ledger, copying.LEDGER_COLUMNS, rows)
        return await side_by_side(entering, self._plan(order, {}))

    async def _known(
        self, connection: AsyncConnection, shop_id: str, accepted: Mapping[str, bytes]
    ) -> Mapping[str, bytes]:
        """Enter events in the ledger; answers the hashes of the ids that were there already."""
        known: dict[str, bytes] = {}
        entries = sorted(accepted.items())
        if len(entries) >= _MANY:  # of an import that is repeated: most are there, and asking is cheaper than trying
            known = await _hashes(connection, shop_id, list(accepted))
            entries = [entry for entry in entries if entry[0] not in known]
        if not entries:
            return known
        given = await self._aside(len(entries), bound, _LEDGER, entries)
        entered = {row[0] for row in await connection.execute(_INSERT_LEDGER, {"shop_id": shop_id, **given})}
        if len(entered) < len(entries):
            old = [event_id for event_id, _ in entries if event_id not in entered]
            known |= await _hashes(connection, shop_id, old)
        return known

    async def _plan(self, order: _Order, known: Mapping[str, bytes]) -> _Plan:
        events = order.batch.events
        settlement = await self._aside(len(events), recording.settle, order.batch, order.screening, known)
        if settlement.conflicts and order.refuse_conflicts:
            raise recording.conflict(events[settlement.conflicts[0]].event_id)
        count, fresh, rows = len(settlement.fresh), settlement.fresh, b""
        assignment = await self._aside(count, recording.assign, fresh, order.states)
        if count > _FEW:
            given = (order.shop_id, fresh, assignment.owners, order.now_us)
            rows = await self._aside(count, copying.event_rows, *given)
        return _Plan(settlement, assignment, rows)

    async def _insert(self, connection: AsyncConnection, shop_id: str, plan: _Plan, now_us: int) -> None:
        events, owners = plan.settlement.fresh, plan.assignment.owners
        if not events:
            return
        if plan.event_rows:
            copied = copying.copy(connection, events_table, COLUMNS, plan.event_rows)
            encoding = self._aside(len(events), copying.recent_rows, shop_id, events, owners)
            recent = await side_by_side(copied, encoding)
            if recent:
                await copying.copy(connection, recent_events, copying.RECENT_COLUMNS, recent)
            return
        owned = list(zip(events, owners, strict=True))
        recorded_at = moment(now_us)
        await _EVENTS.add(connection, [to_row(shop_id, event, owner, recorded_at) for event, owner in owned])
        deeds = [
            (shop_id, owner, moment(event.occurred_us), event.action, event.item_id, event.query or None)
            for event, owner in owned
            if event.action != IMPRESSION
        ]
        if deeds:
            await _RECENT.add(connection, deeds)


async def _hashes(connection: AsyncConnection, shop_id: str, event_ids: Sequence[str]) -> dict[str, bytes]:
    """The hashes of those of the ids that the ledger holds."""
    found = await connection.execute(_KNOWN_HASHES, {"shop_id": shop_id, "event_ids": event_ids})
    return {row[0]: bytes(row[1]) for row in found}
