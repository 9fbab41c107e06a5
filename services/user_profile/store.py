"""Everything user_profile keeps: one transaction a call, domain objects in and out. The statements are in `sql/`."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database import reading, reading_by_driver, transaction
from services.kit.executor import BoundedExecutor
from services.user_profile.consent import Consents, Decision, Purpose
from services.user_profile.events import Event, Subject
from services.user_profile.profile import ProfileEvent, ProfileLimits
from services.user_profile.recording import Batch, Recording
from services.user_profile.sql import deletion, exports, profiles, subjects
from services.user_profile.sql.deletion import Deletion, Receipt
from services.user_profile.sql.exports import EventRange
from services.user_profile.sql.partitions import Partitions
from services.user_profile.sql.profiles import ProfileRows
from services.user_profile.sql.recorder import Aside, Recorder, Rules

__all__ = ["Deletion", "EventRange", "ProfileRows", "Receipt", "SqlStore", "Store", "StoredProfile"]

_USERS_PER_READ = 500


@dataclass(frozen=True)
class StoredProfile:
    """What is kept about a subject: what it agreed to and, if it may be read, what its profile is made of."""

    consents: Consents
    rows: ProfileRows | None
    """None when personalisation is refused or nothing was ever recorded."""


class Store(Protocol):
    """What the servicer needs of a store: PostgreSQL in a service, memory in the fake.

    Every method raises DependencyDown (DATABASE_DOWN) when what keeps the data cannot be asked.
    """

    async def record(self, shop_id: str, batch: Batch, now_us: int, *, refuse_conflicts: bool) -> Recording:
        """Record a batch, all or nothing. With `refuse_conflicts` raises Conflict; else only the events in conflict are
        left out.
        """

    async def read_profile(self, shop_id: str, subject: Subject, now_us: int, *, as_of: bool) -> StoredProfile:
        """Read what the subject's profile is made of, now, or as of an earlier time."""

    async def consents(self, shop_id: str, subject: Subject) -> Consents:
        """Read what a subject agreed to."""

    async def set_consents(self, shop_id: str, subject: Subject, decisions: Mapping[Purpose, Decision]) -> Consents:
        """Write decisions down and answer what is then in force."""

    async def changed_users(
        self, shop_id: str, active_since: datetime, changed_since: datetime, at_most: int
    ) -> Mapping[bytes, Sequence[ProfileEvent]]:
        """Recent events of users who agree to personalisation, were active and changed since then, latest users
        first.
        """

    async def recent_events(self, shop_id: str, users: Sequence[bytes]) -> Mapping[bytes, Sequence[ProfileEvent]]:
        """Recent events of those of the users who agree to personalisation at this moment."""

    async def is_known(self, shop_id: str, user: bytes) -> bool:
        """Whether anything is stored about a user."""

    def user_events(self, shop_id: str, user: bytes, before: datetime) -> AsyncIterator[Sequence[Event]]:
        """Pages of everything recorded for a user and the sessions that joined it, in time order."""

    async def delete_user(self, shop_id: str, user: bytes) -> Receipt | None:
        """Erase a user and the sessions that joined it; None when nothing is stored."""

    async def deletions(self, shop_id: str, after: int, at_most: int) -> Sequence[Deletion]:
        """Deletions after a cursor, oldest first."""

    def shop_events(self, shop_id: str, wanted: EventRange) -> AsyncIterator[Sequence[Event]]:
        """Pages of a shop's events in time order, of subjects that agree to analytics."""


class SqlStore:
    """The store on PostgreSQL."""

    def __init__(
        self,
        engine: AsyncEngine,
        granted_by_default: frozenset[Purpose],
        limits: ProfileLimits | None = None,
        executor: BoundedExecutor | None = None,
    ) -> None:
        self._engine = engine
        self._granted_by_default = granted_by_default
        self.partitions = Partitions(engine)
        """Made ahead by a background task; made in time by every write."""
        rules = Rules(granted_by_default, (limits or ProfileLimits()).window)
        self._recorder = Recorder(engine, self.partitions, rules, Aside(executor))

    async def ping(self) -> None:
        """Return when PostgreSQL answers and the schema is there."""
        async with reading(self._engine) as connection:
            await connection.execute(text("SELECT 1 FROM user_profile.subjects LIMIT 1"))

    async def record(self, shop_id: str, batch: Batch, now_us: int, *, refuse_conflicts: bool) -> Recording:
        """See Store."""
        return await self._recorder.record(shop_id, batch, now_us, refuse_conflicts=refuse_conflicts)

    async def read_profile(self, shop_id: str, subject: Subject, now_us: int, *, as_of: bool) -> StoredProfile:
        """See Store."""
        async with reading_by_driver(self._engine) as driver:
            row = await subjects.find_by_driver(driver, shop_id, subject.pseudonym)
            consents = Consents.of(row.state.decided if row else {}, self._granted_by_default)
            if row is None or row.first_at is None or not consents.granted(Purpose.PERSONALISATION):
                return StoredProfile(consents, None)
            read = profiles.read_as_of if as_of else profiles.read_recent
            return StoredProfile(consents, await read(driver, shop_id, row, now_us))

    async def consents(self, shop_id: str, subject: Subject) -> Consents:
        """See Store."""
        async with reading(self._engine) as connection:
            row = await subjects.find(connection, shop_id, subject.pseudonym)
        return Consents.of(row.state.decided if row else {}, self._granted_by_default)

    async def set_consents(self, shop_id: str, subject: Subject, decisions: Mapping[Purpose, Decision]) -> Consents:
        """See Store."""
        async with transaction(self._engine) as connection:
            row = (await subjects.lock(connection, shop_id, [subject]))[subject]
            new = {
                purpose: decision
                for purpose, decision in decisions.items()
                if purpose not in row.state.decided or row.state.decided[purpose].granted != decision.granted
            }
            if new:
                await subjects.decide(connection, shop_id, subject.pseudonym, new)
        return Consents.of({**row.state.decided, **new}, self._granted_by_default)

    async def changed_users(
        self, shop_id: str, active_since: datetime, changed_since: datetime, at_most: int
    ) -> Mapping[bytes, Sequence[ProfileEvent]]:
        """See Store."""
        times = (active_since, changed_since)
        async with reading(self._engine) as connection:
            found = await profiles.active_users(connection, shop_id, self._granted_by_default, times, at_most)
        return await self._recent_of(shop_id, found)

    async def recent_events(self, shop_id: str, users: Sequence[bytes]) -> Mapping[bytes, Sequence[ProfileEvent]]:
        """See Store."""
        async with reading(self._engine) as connection:
            agreeing = await profiles.agreeing(connection, shop_id, users, self._granted_by_default)
            return await profiles.recent_of_many(connection, shop_id, agreeing)

    async def is_known(self, shop_id: str, user: bytes) -> bool:
        """See Store."""
        async with reading(self._engine) as connection:
            return await subjects.find(connection, shop_id, user) is not None

    async def user_events(self, shop_id: str, user: bytes, before: datetime) -> AsyncIterator[Sequence[Event]]:
        """See Store."""
        async with reading(self._engine) as connection:
            sessions = await subjects.sessions_joined_to(connection, shop_id, user)
        async for page in exports.of_subjects(self._engine, shop_id, [user, *sessions], before):
            yield page

    async def delete_user(self, shop_id: str, user: bytes) -> Receipt | None:
        """See Store."""
        async with transaction(self._engine) as connection:
            return await deletion.erase(connection, shop_id, user)

    async def deletions(self, shop_id: str, after: int, at_most: int) -> Sequence[Deletion]:
        """See Store."""
        async with reading(self._engine) as connection:
            return await deletion.after(connection, shop_id, after, at_most)

    async def shop_events(self, shop_id: str, wanted: EventRange) -> AsyncIterator[Sequence[Event]]:
        """See Store."""
        async for page in exports.of_shop(self._engine, shop_id, wanted, self._granted_by_default):
            yield page

    async def _recent_of(self, shop_id: str, users: Iterable[bytes]) -> dict[bytes, Sequence[ProfileEvent]]:
        """Read in pages, so that no statement gets long and no transaction holds a snapshot for long."""
        wanted = list(users)
        events: dict[bytes, Sequence[ProfileEvent]] = {}
        for first in range(0, len(wanted), _USERS_PER_READ):
            async with reading(self._engine) as connection:
                page = wanted[first : first + _USERS_PER_READ]
                events.update(await profiles.recent_of_many(connection, shop_id, page))
        return events
