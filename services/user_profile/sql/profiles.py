"""Reading what profiles are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Purpose
from services.user_profile.profile import EXPOSURE_WINDOW_US, ProfileEvent
from services.user_profile.sql.moments import microseconds, moment, optional_microseconds
from services.user_profile.sql.subjects import SubjectRow, granted_condition
from services.user_profile.tables import SCHEMA

_RECENT = (
    f"SELECT occurred_at, action, item_id, query FROM {SCHEMA}.recent_events "
    "WHERE shop_id = $1 AND subject = $2 ORDER BY occurred_at"
)
# Both bounds are given, so that PostgreSQL looks into the one or two partitions of the window and no others.
IMPRESSIONS = (
    f"SELECT item_id, count(*) FROM {SCHEMA}.events WHERE shop_id = $1 AND subject = $2 "
    f"AND action = {IMPRESSION} AND occurred_at >= $3 AND occurred_at < $4 GROUP BY item_id"
)
_AS_OF = (
    f"SELECT occurred_at, action, item_id, query FROM {SCHEMA}.events WHERE shop_id = $1 AND subject = $2 "
    "AND occurred_at >= $3 AND occurred_at < $4 AND recorded_at < $4 "
    f"AND (action <> {IMPRESSION} OR occurred_at >= $5)"
)
_VERSION_AS_OF = f"SELECT count(*) FROM {SCHEMA}.events WHERE shop_id = $1 AND subject = $2 AND recorded_at < $3"


@dataclass(frozen=True)
class ProfileRows:
    """What the store keeps for a profile; `build_profile` makes it one."""

    profile_version: int
    events: Sequence[ProfileEvent]
    impression_counts: Mapping[str, int] | None
    """Impressions of the last 7 days by item; None when they are among the events."""


async def read_recent(connection: asyncpg.Connection, shop_id: str, row: SubjectRow, now_us: int) -> ProfileRows:
    """The rows of now: one index scan of recent_events, and of the impressions of 7 days if there are any.

    The version was read before the events, so the events are at least as new as it says.
    """
    key = (shop_id, row.state.subject.pseudonym)
    events = [_profile_event(found) for found in await connection.fetch(_RECENT, *key)]
    since_us = now_us - EXPOSURE_WINDOW_US
    counts: dict[str, int] = {}
    if (optional_microseconds(row.last_impression_at) or 0) >= since_us:
        counts = dict(await connection.fetch(IMPRESSIONS, *key, moment(since_us), moment(now_us)))
    return ProfileRows(row.state.profile_version, events, counts)


async def read_as_of(connection: asyncpg.Connection, shop_id: str, row: SubjectRow, now_us: int) -> ProfileRows:
    """The rows as of an earlier time, from the full history: events that occurred and were recorded before it."""
    key, now = (shop_id, row.state.subject.pseudonym), moment(now_us)
    found = await connection.fetch(_AS_OF, *key, row.first_at, now, moment(now_us - EXPOSURE_WINDOW_US))
    version = await connection.fetchval(_VERSION_AS_OF, *key, now)
    return ProfileRows(version, [_profile_event(each) for each in found], None)


_ACTIVE: Final = (
    f"SELECT pseudonym FROM {SCHEMA}.subjects WHERE shop_id = :shop_id AND kind = 1 AND last_at >= :active_since "
    "AND updated_at >= :updated_since AND recent_count > 0 AND {agreed} ORDER BY last_at DESC LIMIT :at_most"
)
_RECENT_OF_MANY = text(
    f"SELECT subject, occurred_at, action, item_id, query FROM {SCHEMA}.recent_events "
    "WHERE shop_id = :shop_id AND subject = ANY(:subjects)"
)
_AGREEING = (
    f"SELECT pseudonym FROM {SCHEMA}.subjects WHERE shop_id = :shop_id AND pseudonym = ANY(:subjects) AND {{agreed}}"
)


async def active_users(
    connection: AsyncConnection,
    shop_id: str,
    granted_by_default: frozenset[Purpose],
    times: tuple[datetime, datetime],
    at_most: int,
) -> list[bytes]:
    """Pseudonyms of users active since the first of `times` and changed since the second, those last active first."""
    agreed = granted_condition(Purpose.PERSONALISATION, granted_by_default)
    found = await connection.execute(
        text(_ACTIVE.format(agreed=agreed)),
        {"shop_id": shop_id, "active_since": times[0], "updated_since": times[1], "at_most": at_most},
    )
    return [bytes(row[0]) for row in found]


async def recent_of_many(
    connection: AsyncConnection, shop_id: str, pseudonyms: Iterable[bytes]
) -> dict[bytes, list[ProfileEvent]]:
    """The recent events of many subjects; subjects without any are left out."""
    events: dict[bytes, list[ProfileEvent]] = {}
    wanted = {"shop_id": shop_id, "subjects": list(pseudonyms)}
    for row in await connection.execute(_RECENT_OF_MANY, wanted):
        events.setdefault(bytes(row[0]), []).append(_profile_event(row[1:]))
    return events


async def agreeing(
    connection: AsyncConnection, shop_id: str, pseudonyms: Iterable[bytes], granted_by_default: frozenset[Purpose]
) -> set[bytes]:
    """Those of the subjects that are still there and agree to personalisation at this moment."""
    agreed = granted_condition(Purpose.PERSONALISATION, granted_by_default)
    wanted = {"shop_id": shop_id, "subjects": list(pseudonyms)}
    return {bytes(row[0]) for row in await connection.execute(text(_AGREEING.format(agreed=agreed)), wanted)}


def _profile_event(row: Sequence[Any]) -> ProfileEvent:
    return ProfileEvent(microseconds(row[0]), row[1], row[2], row[3] or "")
