"""Keeps recent_events bounded: of each subject what a profile needs stays."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.profile import OUTLASTING, ProfileEvent, kept_beyond_window
from services.user_profile.sql import subjects
from services.user_profile.sql.moments import microseconds
from services.user_profile.tables import SCHEMA

# Pruned when half as much again has gathered, so that it is rare and a read never sees much more than the window.
_SLACK: Final = 1.5

# Of most subjects everything beyond the window goes. Rows are deleted by their place, which nobody changes while their
# subject is locked: joined by key, PostgreSQL may read the whole table for them.
_PRUNE_PLAIN = text(
    "WITH beyond AS MATERIALIZED (SELECT many.subject, old.place, old.action "
    "FROM unnest(CAST(:subjects AS bytea[]), CAST(:surpluses AS integer[])) AS many (subject, surplus) "
    f"CROSS JOIN LATERAL (SELECT ctid AS place, action FROM {SCHEMA}.recent_events WHERE shop_id = :shop_id "
    "AND subject = many.subject ORDER BY occurred_at, action, item_id LIMIT many.surplus) AS old), "
    "plain AS (SELECT subject, array_agg(place) AS places FROM beyond GROUP BY subject "
    "HAVING NOT bool_or(action = ANY(CAST(:outlasting AS smallint[])))), "
    f"gone AS (DELETE FROM {SCHEMA}.recent_events "
    "WHERE ctid = ANY(ARRAY(SELECT unnest(places) FROM plain)) RETURNING subject), "
    "counted AS (SELECT subject, count(*) AS gone_count FROM gone GROUP BY subject) "
    f"UPDATE {SCHEMA}.subjects AS known SET recent_count = known.recent_count - counted.gone_count FROM counted "
    "WHERE known.shop_id = :shop_id AND known.pseudonym = counted.subject RETURNING known.pseudonym"
)
_READ_RECENT = text(
    f"SELECT id, occurred_at, action, item_id FROM {SCHEMA}.recent_events "
    "WHERE shop_id = :shop_id AND subject = :subject ORDER BY occurred_at, action, item_id"
)
_PRUNE = text(
    f"DELETE FROM {SCHEMA}.recent_events WHERE shop_id = :shop_id AND subject = :subject AND NOT id = ANY(:kept)"
)


async def prune(connection: AsyncConnection, shop_id: str, recent_counts: Mapping[bytes, int], window: int) -> None:
    """Prune subjects that are locked, given how many rows each has."""
    many = {subject: count for subject, count in recent_counts.items() if count > window * _SLACK}
    if not many:
        return
    asked = {
        "shop_id": shop_id,
        "subjects": list(many),
        "surpluses": [count - window for count in many.values()],
        "outlasting": sorted(OUTLASTING),
    }
    plain = {bytes(row[0]) for row in await connection.execute(_PRUNE_PLAIN, asked)}
    for subject in many.keys() - plain:
        await _prune_one(connection, shop_id, subject, window)


async def _prune_one(connection: AsyncConnection, shop_id: str, subject: bytes, window: int) -> None:
    """Look at all that a subject did: something beyond the window may still stand."""
    key = {"shop_id": shop_id, "subject": subject}
    rows = list(await connection.execute(_READ_RECENT, key))
    deeds = [ProfileEvent(microseconds(row[1]), row[2], row[3]) for row in rows]
    kept = [rows[position][0] for position in kept_beyond_window(deeds, window)]
    await connection.execute(_PRUNE, {**key, "kept": kept})
    await subjects.set_recent_count(connection, shop_id, subject, len(kept))
