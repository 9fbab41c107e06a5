"""Reading what profiles are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Purpose
from services.user_profile.profile import EXPOSURE_WINDOW_US, ProfileEvent
from services.user_profile.sql.moments import microseconds, moment, optional_microseconds
from services.user_profile.sql.subjects import SubjectRow, granted_condition
from services.user_profile.tables import SCHEMA

_RECENT = text(
    f"SELECT occurred_at, action, item_id, query FROM {SCHEMA}.recent_events "
    "WHERE shop_id = :shop_id AND subject = :subject ORDER BY occurred_at"
)
# Both bounds are given, so that PostgreSQL looks into the one or two partitions of the window and no others.
IMPRESSIONS = text(
    f"SELECT item_id, count(*) FROM {SCHEMA}.events WHERE shop_id = :shop_id AND subject = :subject "
    f"AND action = {IMPRESSION} AND occurred_at >= :since AND occurred_at < :now GROUP BY item_id"
)
_AS_OF = text(
    f"SELECT occurred_at, action, item_id, query FROM {SCHEMA}.events WHERE shop_id = :shop_id AND subject = :subject "
    "AND occurred_at >= :first_at AND occurred_at < :now AND recorded_at < :now "
    f"AND (action <> {IMPRESSION} OR occurred_at >= :since)"
)
_VERSION_AS_OF = text(
    f"SELECT count(*) FROM {SCHEMA}.events WHERE shop_id = :shop_id AND subject = :subject AND recorded_at < :now"
)


@dataclass(frozen=True)
class ProfileRows:
    """What the store keeps for a profile; `build_profile` makes it one."""

    profile_version: int
    events: Sequence[ProfileEvent]
    impression_counts: Mapping[str, int] | None
    """Impressions of the last 7 days by item; None when they are among the events."""


async def read_recent(connection: AsyncConnection, shop_id: str, row: SubjectRow, now_us: int) -> ProfileRows:
    """The rows of now: one index scan of recent_events, and of the impressions of 7 days if there are any.

    The version was read before the events, so the events are at least as new as it says.
    """
    key = {"shop_id": shop_id, "subject": row.state.subject.pseudonym}
    events = [_profile_event(found) for found in await connection.execute(_RECENT, key)]
    since_us = now_us - EXPOSURE_WINDOW_US
    counts: dict[str, int] = {}
    if (optional_microseconds(row.last_impression_at) or 0) >= since_us:
        shown = await connection.execute(IMPRESSIONS, {**key, "since": moment(since_us), "now": moment(now_us)})
        counts = {row[0]: row[1] for row in shown}
    return ProfileRows(row.state.profile_version, events, counts)


async def read_as_of(connection: AsyncConnection, shop_id: str, row: SubjectRow, now_us: int) -> ProfileRows:
    """The rows as of an earlier time, from the full history: events that occurred and were recorded before it."""
    key = {"shop_id": shop_id, "subject": row.state.subject.pseudonym, "now": moment(now_us)}
    times = {"first_at": row.first_at, "since": moment(now_us - EXPOSURE_WINDOW_US)}
    events = [_profile_event(found) for found in await connection.execute(_AS_OF, {**key, **times})]
    version = (await connection.execute(_VERSION_AS_OF, key)).scalar_one()
    return ProfileRows(version, events, None)


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
