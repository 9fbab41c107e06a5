"""Erasing a user: every row, the ids in the ledger, and a line in the log that tells others to do the same."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.events import Subject, SubjectKind
from services.user_profile.sql import subjects
from services.user_profile.sql.moments import microseconds
from services.user_profile.tables import SCHEMA

# Deletions of a shop happen one after the other: ids then grow in order of commit, and a watcher's cursor misses none.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('vitrine deletions ' || :shop_id, 0))")
_EVENTS = text(
    f"WITH gone AS (DELETE FROM {SCHEMA}.events WHERE shop_id = :shop_id AND subject = ANY(:subjects) "
    "RETURNING event_id), "
    f"forgotten AS (DELETE FROM {SCHEMA}.event_ledger USING gone "
    "WHERE event_ledger.shop_id = :shop_id AND event_ledger.event_id = gone.event_id) SELECT count(*) FROM gone"
)
_RECENT = text(f"DELETE FROM {SCHEMA}.recent_events WHERE shop_id = :shop_id AND subject = ANY(:subjects)")
_SUBJECTS = text(f"DELETE FROM {SCHEMA}.subjects WHERE shop_id = :shop_id AND pseudonym = ANY(:subjects)")
_LOG = text(
    f"INSERT INTO {SCHEMA}.deletions (shop_id, receipt_id, pseudonyms, deleted_event_count) "
    "VALUES (:shop_id, :receipt_id, :subjects, :count) RETURNING id, deleted_at"
)
_AFTER = text(
    f"SELECT id, receipt_id, pseudonyms FROM {SCHEMA}.deletions WHERE shop_id = :shop_id AND id > :after "
    "ORDER BY id LIMIT :at_most"
)


@dataclass(frozen=True)
class Deletion:
    """One line of the log."""

    id: int
    receipt_id: str
    pseudonyms: Sequence[bytes]


@dataclass(frozen=True)
class Receipt:
    """What a deletion did."""

    receipt_id: str
    deleted_event_count: int
    deleted_us: int


async def erase(connection: AsyncConnection, shop_id: str, user: bytes) -> Receipt | None:
    """Erase a user with the sessions that joined it; None when nothing is stored about it."""
    await connection.execute(_LOCK, {"shop_id": shop_id})
    if await subjects.find(connection, shop_id, user) is None:
        return None
    sessions = await subjects.sessions_joined_to(connection, shop_id, user)
    await subjects.lock(connection, shop_id, _subjects(user, sessions))
    # A session may have joined just before the lock; from here on none can.
    sessions = await subjects.sessions_joined_to(connection, shop_id, user)
    await subjects.lock(connection, shop_id, _subjects(user, sessions))
    key = {"shop_id": shop_id, "subjects": [user, *sessions]}
    count = (await connection.execute(_EVENTS, key)).scalar_one()
    await connection.execute(_RECENT, key)
    await connection.execute(_SUBJECTS, key)
    receipt_id = f"deletion-{secrets.token_hex(12)}"
    logged = await connection.execute(_LOG, {**key, "receipt_id": receipt_id, "count": count})
    return Receipt(receipt_id, count, microseconds(logged.one()[1]))


async def after(connection: AsyncConnection, shop_id: str, cursor: int, at_most: int) -> list[Deletion]:
    """Deletions after a cursor (0: from the first), oldest first."""
    found = await connection.execute(_AFTER, {"shop_id": shop_id, "after": cursor, "at_most": at_most})
    return [Deletion(row[0], row[1], [bytes(each) for each in row[2]]) for row in found]


def _subjects(user: bytes, sessions: Sequence[bytes]) -> list[Subject]:
    return [Subject(SubjectKind.USER, user), *(Subject(SubjectKind.SESSION, session) for session in sessions)]
