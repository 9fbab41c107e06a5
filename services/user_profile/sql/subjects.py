"""Rows of `subjects`: locked for a batch, read for a profile, grown, joined, and told what they agreed to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.consent import PURPOSES, Decision, Purpose
from services.user_profile.events import Subject, SubjectKind
from services.user_profile.recording import Growth, SubjectState
from services.user_profile.sql.bulk import bound, unnested
from services.user_profile.sql.moments import microseconds, optional_moment
from services.user_profile.tables import SCHEMA, subjects

_COLUMN_OF: Final = {
    Purpose.PERSONALISATION: "personalisation",
    Purpose.ANALYTICS: "analytics",
    Purpose.MARKETING: "marketing",
}

_READ: Final = (
    *("pseudonym", "kind", "profile_version", "recent_count", "joined_user"),
    *("first_at", "last_at", "last_impression_at"),
    *(f"{_COLUMN_OF[purpose]}_{what}" for purpose in PURPOSES for what in ("granted", "decided_at")),
)
"""What `_read` takes, in this order."""
_KINDS: Final = {int(kind): kind for kind in SubjectKind}

_KEYS = {"pseudonym": "bytea", "kind": "smallint"}

# First what is missing is made, then everything is locked, each in one order for everybody: batches with subjects in
# common wait for each other and never in a circle. Locking by an update would write every row once more.
_MAKE_MISSING = text(
    f"INSERT INTO {SCHEMA}.subjects (shop_id, pseudonym, kind) "
    f"SELECT :shop_id, keys.pseudonym, keys.kind FROM {unnested(_KEYS)} AS keys (pseudonym, kind) "
    f"WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.subjects AS known "
    "WHERE known.shop_id = :shop_id AND known.pseudonym = keys.pseudonym) "
    "ORDER BY keys.pseudonym ON CONFLICT (shop_id, pseudonym) DO NOTHING"
)
_LOCK = text(
    f"SELECT {', '.join(_READ)} FROM {SCHEMA}.subjects WHERE shop_id = :shop_id AND pseudonym = ANY(:pseudonyms) "
    "ORDER BY pseudonym FOR NO KEY UPDATE"
)

_GROWTH = {
    "pseudonym": "bytea",
    "events": "bigint",
    "recent": "integer",
    "first_at": "timestamptz",
    "last_at": "timestamptz",
    "last_impression_at": "timestamptz",
}
_GROW = text(
    f"UPDATE {SCHEMA}.subjects AS known SET profile_version = known.profile_version + new.events, "
    "recent_count = known.recent_count + new.recent, first_at = least(known.first_at, new.first_at), "
    "last_at = greatest(known.last_at, new.last_at), "
    "last_impression_at = greatest(known.last_impression_at, new.last_impression_at), updated_at = now() "
    f"FROM {unnested(_GROWTH)} AS new ({', '.join(_GROWTH)}) "
    "WHERE known.shop_id = :shop_id AND known.pseudonym = new.pseudonym RETURNING known.pseudonym, known.recent_count"
)

_FORGET_UNUSED = text(
    f"DELETE FROM {SCHEMA}.subjects WHERE shop_id = :shop_id AND pseudonym = ANY(:pseudonyms) AND profile_version = 0 "
    "AND joined_user IS NULL AND num_nulls(personalisation_granted, analytics_granted, marketing_granted) = 3"
)


_FIND = f"SELECT {', '.join(_READ)} FROM {SCHEMA}.subjects WHERE shop_id = {{}} AND pseudonym = {{}}"
_FIND_BY_DRIVER: Final = _FIND.format("$1", "$2")
_FIND_BY_NAMES = text(_FIND.format(":shop_id", ":pseudonym"))


@dataclass(frozen=True)
class SubjectRow:
    """A subject's state and what the store keeps about its rows."""

    state: SubjectState
    recent_count: int
    first_at: datetime | None
    last_at: datetime | None
    last_impression_at: datetime | None


async def lock(connection: AsyncConnection, shop_id: str, wanted: Iterable[Subject]) -> dict[Subject, SubjectRow]:
    """Lock the rows of all subjects until the transaction ends; missing ones are made. No ORDER is left to chance."""
    kinds = {subject.pseudonym: int(subject.kind) for subject in wanted}
    keys = sorted(kinds.items())
    pseudonyms = [pseudonym for pseudonym, _ in keys]
    locked: dict[Subject, SubjectRow] = {}
    # Once, unless a row was deleted between being found and being locked.
    while len(locked) < len(keys):
        await connection.execute(_MAKE_MISSING, {"shop_id": shop_id, **bound(_KEYS, keys)})
        rows = await connection.execute(_LOCK, {"shop_id": shop_id, "pseudonyms": pseudonyms})
        locked = {row.state.subject: row for row in map(_read, rows)}
    return locked


async def find(connection: AsyncConnection, shop_id: str, pseudonym: bytes) -> SubjectRow | None:
    """The row of one subject, unlocked."""
    row = (await connection.execute(_FIND_BY_NAMES, {"shop_id": shop_id, "pseudonym": pseudonym})).one_or_none()
    return None if row is None else _read(row)


async def find_by_driver(connection: asyncpg.Connection, shop_id: str, pseudonym: bytes) -> SubjectRow | None:
    """The same, for profiles: every page waits for one."""
    row = await connection.fetchrow(_FIND_BY_DRIVER, shop_id, pseudonym)
    return None if row is None else _read(row)


async def sessions_joined_to(connection: AsyncConnection, shop_id: str, user: bytes) -> list[bytes]:
    """Pseudonyms of the sessions whose events joined a user."""
    wanted = select(subjects.c.pseudonym).where(subjects.c.shop_id == shop_id, subjects.c.joined_user == user)
    return sorted(row[0] for row in await connection.execute(wanted))


async def grow(connection: AsyncConnection, shop_id: str, growth: Mapping[Subject, Growth]) -> dict[bytes, int]:
    """Add what a batch recorded; answers how many rows of recent_events each subject now has."""
    rows = [
        (
            subject.pseudonym,
            more.events,
            more.recent,
            optional_moment(more.first_us),
            optional_moment(more.last_us),
            optional_moment(more.last_impression_us),
        )
        for subject, more in growth.items()
    ]
    grown = await connection.execute(_GROW, {"shop_id": shop_id, **bound(_GROWTH, rows)})
    return {row[0]: row[1] for row in grown}


async def forget_unused(connection: AsyncConnection, shop_id: str, wanted: Iterable[Subject]) -> None:
    """Remove rows that the lock made and nothing was then recorded for: declined visitors leave no trace."""
    pseudonyms = [subject.pseudonym for subject in wanted]
    await connection.execute(_FORGET_UNUSED, {"shop_id": shop_id, "pseudonyms": pseudonyms})


async def set_recent_count(connection: AsyncConnection, shop_id: str, pseudonym: bytes, count: int) -> None:
    """Note how many rows of recent_events a subject has after pruning."""
    of_subject = update(subjects).where(subjects.c.shop_id == shop_id, subjects.c.pseudonym == pseudonym)
    await connection.execute(of_subject.values(recent_count=count))


async def decide(
    connection: AsyncConnection, shop_id: str, pseudonym: bytes, decisions: Mapping[Purpose, Decision]
) -> None:
    """Write decisions down; the subject's row is there and locked."""
    values: dict[str, Any] = {}
    for purpose, decision in decisions.items():
        values[f"{_COLUMN_OF[purpose]}_granted"] = decision.granted
        values[f"{_COLUMN_OF[purpose]}_decided_at"] = optional_moment(decision.decided_us)
    of_subject = update(subjects).where(subjects.c.shop_id == shop_id, subjects.c.pseudonym == pseudonym)
    await connection.execute(of_subject.values(**values, updated_at=text("now()")))


def granted_condition(purpose: Purpose, granted_by_default: frozenset[Purpose], alias: str = "subjects") -> str:
    """SQL that holds for rows of subjects that agree to the purpose now."""
    default = "true" if purpose in granted_by_default else "false"
    return f"coalesce({alias}.{_COLUMN_OF[purpose]}_granted, {default})"


def _read(row: Iterable[Any]) -> SubjectRow:
    pseudonym, kind, version, recent_count, joined_user, first_at, last_at, last_impression_at, *consent = tuple(row)
    decided: dict[Purpose, Decision] = {}
    for purpose, granted, decided_at in zip(PURPOSES, consent[::2], consent[1::2], strict=True):
        if granted is not None:
            decided[purpose] = Decision(granted, microseconds(decided_at))
    state = SubjectState(Subject(_KINDS[kind], pseudonym), version, decided, joined_user)
    return SubjectRow(state, recent_count, first_at, last_at, last_impression_at)
