"""The monthly partitions of `events`: made before the first event of a month is written, never a catch-all."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import transaction
from services.user_profile.profile import DAY_US
from services.user_profile.sql.moments import moment
from services.user_profile.tables import SCHEMA

Month = tuple[int, int]
"""Year and month, UTC."""

# One lock for all partitions: they are made rarely, and two replicas must not make one at the same time.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('vitrine user_profile partitions', 0))")
_EXISTING = text(f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{SCHEMA}.events'::regclass")


class Partitions:
    """Knows which months have a partition and makes those that are missing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: set[Month] = set()

    async def ensure(self, times_us: Iterable[int]) -> None:
        """Make the partitions of all the times. A transaction of its own, so that the lock is held briefly; nothing
        is asked of the database when all are known.
        """
        days = {us // DAY_US for us in times_us}
        await self._make({month_of(day * DAY_US) for day in days} - self._known)

    async def ensure_ahead(self, now: datetime, months: int = 2) -> None:
        """Make the current month's partition and those of the months to come."""
        await self._make({_later(month_of_moment(now), ahead) for ahead in range(months + 1)} - self._known)

    async def _make(self, missing: set[Month]) -> None:
        if not missing:
            return
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            existing = {row[0].rpartition(".")[2] for row in await connection.execute(_EXISTING)}
            for month in sorted(missing):
                if _name(month) not in existing:
                    await _make_one(connection, month)
        self._known |= missing


def month_of(us: int) -> Month:
    """The UTC month of a time in microseconds since 1970."""
    return month_of_moment(moment(us))


def month_of_moment(at: datetime) -> Month:
    """The UTC month of an aware datetime."""
    utc = at.astimezone(UTC)
    return utc.year, utc.month


def _later(month: Month, ahead: int) -> Month:
    years, index = divmod(month[1] - 1 + ahead, 12)
    return month[0] + years, index + 1


def _name(month: Month) -> str:
    return f"events_y{month[0]:04d}m{month[1]:02d}"


async def _make_one(connection: AsyncConnection, month: Month) -> None:
    # Made beside the parent and then attached: CREATE ... PARTITION OF would lock all reading and writing out
    # meanwhile.
    table, following = f"{SCHEMA}.{_name(month)}", _later(month, 1)
    await connection.execute(text(f"CREATE TABLE {table} (LIKE {SCHEMA}.events INCLUDING DEFAULTS INCLUDING STORAGE)"))
    bounds = " TO ".join(f"('{year:04d}-{number:02d}-01 00:00:00+00')" for year, number in (month, following))
    await connection.execute(text(f"ALTER TABLE {SCHEMA}.events ATTACH PARTITION {table} FOR VALUES FROM {bounds}"))
