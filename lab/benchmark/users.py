"""Users with histories in any number, copied straight into user_profile's tables.

Recording them by calls would take an hour for a million; the rows are those that recording would have left, but for the
ledger of event ids, which only a repeated event would miss.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from services.kit.database import driver_url
from services.kit.pseudonyms import Pseudonyms
from services.user_profile.sql.moments import microseconds
from services.user_profile.sql.partitions import Partitions
from vitrine.common.v1 import common_pb2

DEEDS = 5
"""Events of each user, three days apart, of actions that differ."""
ACTIONS = (
    common_pb2.ACTION_PURCHASE, common_pb2.ACTION_CART, common_pb2.ACTION_VIEW, common_pb2.ACTION_CLICK,
    common_pb2.ACTION_FAVOURITE,
)  # fmt: skip
"""The newest deed first."""
DAYS_BETWEEN = 3
A_BATCH = 100_000

_PEOPLE = "CREATE TEMP TABLE people (number bigint, pseudonym bytea) ON COMMIT DROP"
_THINGS = "CREATE TEMP TABLE things (place bigint PRIMARY KEY, item_id text) ON COMMIT DROP"
# What user n did as deed k: primes scatter the items, so that neighbours have little in common.
_DEEDS = (
    "SELECT people.number, people.pseudonym, deed, ($4::smallint[])[deed + 1] AS action, things.item_id, "
    "$2::timestamptz - (people.number * 7919 % 86400) * interval '1 second' "
    f"- deed * interval '{DAYS_BETWEEN} days' AS at "
    "FROM people CROSS JOIN generate_series(0, $3::int - 1) AS deed "
    "JOIN things ON things.place = (people.number * 7907 + deed * 104729) % (SELECT count(*) FROM things)"
)
_SUBJECTS = (
    "INSERT INTO user_profile.subjects (shop_id, pseudonym, kind, profile_version, recent_count, first_at, last_at) "
    f"SELECT $1, pseudonym, 1, count(*), count(*), min(at), max(at) FROM ({_DEEDS}) AS deeds "
    "GROUP BY pseudonym ORDER BY pseudonym"
)
_RECENT = (
    "INSERT INTO user_profile.recent_events (shop_id, subject, occurred_at, action, item_id) "
    f"SELECT $1, pseudonym, at, action, item_id FROM ({_DEEDS}) AS deeds ORDER BY pseudonym, at"
)
_EVENTS = (
    "INSERT INTO user_profile.events (shop_id, event_id, occurred_at, subject, action, item_id, channel, device) "
    "SELECT $1, 'made-up-' || number || '-' || deed, at, pseudonym, action, item_id, 'web', 1 "
    f"FROM ({_DEEDS}) AS deeds ORDER BY pseudonym, at"
)


def user_id(number: int) -> str:
    """The shop's id of a user by number."""
    return f"user-{number:07d}"


def user_ids(count: int) -> list[str]:
    """The ids of the first users."""
    return [user_id(number) for number in range(count)]


class UserRows:
    """Writes users of one shop."""

    def __init__(self, dsn: str, pseudonym_key: str, shop_id: str, item_ids: Sequence[str]) -> None:
        self._dsn = dsn
        self._pseudonyms = Pseudonyms(pseudonym_key)
        self._shop_id = shop_id
        self._item_ids = item_ids

    async def add(self, first: int, before: int, now: datetime | None = None) -> None:
        """Add the users with numbers from `first` up to `before`, whose newest deed is of the last day before `now`.

        Raises: PostgresError.
        """
        now = now or datetime.now(UTC)
        await self._make_partitions(now)
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute("SET synchronous_commit = off")
            for number in range(first, before, A_BATCH):
                async with connection.transaction():
                    await self._add(connection, range(number, min(number + A_BATCH, before)), now)
            for table in ("subjects", "recent_events", "events"):
                await connection.execute(f"ANALYZE user_profile.{table}")
        finally:
            await connection.close()

    async def _add(self, connection: asyncpg.Connection, numbers: Sequence[int], now: datetime) -> None:
        await connection.execute(_PEOPLE)
        await connection.execute(_THINGS)
        people = [(number, self._pseudonyms.user(self._shop_id, user_id(number))) for number in numbers]
        await connection.copy_records_to_table("people", records=people)
        await connection.copy_records_to_table("things", records=list(enumerate(self._item_ids)))
        for statement in (_SUBJECTS, _RECENT, _EVENTS):
            await connection.execute(statement, self._shop_id, now, DEEDS, list(ACTIONS), timeout=600.0)

    async def _make_partitions(self, now: datetime) -> None:
        engine = create_async_engine(driver_url(self._dsn))
        times = [now - timedelta(days=days) for days in range(DEEDS * DAYS_BETWEEN + 1)]
        try:
            await Partitions(engine).ensure(microseconds(time) for time in times)
        finally:
            await engine.dispose()
