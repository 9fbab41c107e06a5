"""A session's anonymous events join its user: rows change hands, once a session."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.events import Subject, SubjectKind
from services.user_profile.recording import adopted
from services.user_profile.sql import subjects
from services.user_profile.sql.subjects import SubjectRow
from services.user_profile.tables import SCHEMA

_PAIRS = "unnest(CAST(:sessions AS bytea[]), CAST(:users AS bytea[])) AS pair (session, member)"

# The times let PostgreSQL leave out all partitions that the sessions never reached.
_MOVE_EVENTS = text(
    f"UPDATE {SCHEMA}.events SET subject = pair.member FROM {_PAIRS} "
    "WHERE shop_id = :shop_id AND subject = pair.session AND occurred_at BETWEEN :first_at AND :last_at"
)
_MOVE_RECENT = text(
    f"UPDATE {SCHEMA}.recent_events SET subject = pair.member FROM {_PAIRS} "
    "WHERE shop_id = :shop_id AND subject = pair.session"
)
_GROW_USERS = text(
    f"UPDATE {SCHEMA}.subjects AS known SET recent_count = known.recent_count + moved.recent_count, "
    "first_at = least(known.first_at, moved.first_at), last_at = greatest(known.last_at, moved.last_at), "
    "last_impression_at = greatest(known.last_impression_at, moved.last_impression_at) "
    "FROM (SELECT pair.member, sum(recent_count) AS recent_count, min(first_at) AS first_at, max(last_at) AS last_at, "
    f"max(last_impression_at) AS last_impression_at FROM {SCHEMA}.subjects JOIN {_PAIRS} "
    "ON shop_id = :shop_id AND pseudonym = pair.session GROUP BY pair.member) AS moved "
    "WHERE known.shop_id = :shop_id AND known.pseudonym = moved.member"
)
_MARK_SESSIONS = text(
    f"UPDATE {SCHEMA}.subjects SET joined_user = pair.member, recent_count = 0 FROM {_PAIRS} "
    "WHERE shop_id = :shop_id AND pseudonym = pair.session"
)


async def join(
    connection: AsyncConnection, shop_id: str, joins: Mapping[bytes, bytes], rows: Mapping[Subject, SubjectRow]
) -> None:
    """Hand the stored events of each session over to its user and remember that it was done. All rows are locked."""
    if not joins:
        return
    sessions = {session: rows[Subject(SubjectKind.SESSION, session)] for session in joins}
    with_events = {session: row for session, row in sessions.items() if row.state.profile_version}
    if with_events:
        moved = {
            "shop_id": shop_id,
            "sessions": list(with_events),
            "users": [joins[session] for session in with_events],
        }
        first_at = min(row.first_at for row in with_events.values() if row.first_at)
        last_at = max(row.last_at for row in with_events.values() if row.last_at)
        await connection.execute(_MOVE_EVENTS, {**moved, "first_at": first_at, "last_at": last_at})
        await connection.execute(_MOVE_RECENT, moved)
        await connection.execute(_GROW_USERS, moved)
    everything = {"shop_id": shop_id, "sessions": list(joins), "users": list(joins.values())}
    await connection.execute(_MARK_SESSIONS, everything)
    for session, row in sessions.items():
        if row.state.decided:
            user = rows[Subject(SubjectKind.USER, joins[session])].state
            await subjects.decide(connection, shop_id, joins[session], adopted(user, [row.state]).decided)
