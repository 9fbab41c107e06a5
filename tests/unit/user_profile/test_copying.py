"""Rows in the binary format of COPY say what rows as values say."""

import struct
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from services.user_profile.actions import Action
from services.user_profile.events import Event, Placement
from services.user_profile.sql import copying
from services.user_profile.sql.event_rows import COLUMNS, to_row
from services.user_profile.sql.moments import microseconds, moment
from services.user_profile.tables import event_ledger, events

EPOCH_US = 946_684_800_000_000
NUMBERS = {"SMALLINT": ">h", "INTEGER": ">i", "BIGINT": ">q"}
PLAIN = Event("e1", int(Action.VIEW), EPOCH_US + 5, b"u" * 16, None, "item-1")
FULL = Event(
    "é2", int(Action.PURCHASE), EPOCH_US * 2, b"u" * 16, b"s" * 16, "item-2", "q", 4, "words", 3, 1_999, "EUR", "app",
    "DE", "de-DE", 2, Placement("p1", "", 1, 2, 3),
)  # fmt: skip
SHOWN = PLAIN._replace(event_id="e3", action=int(Action.IMPRESSION))


def decoded(rows: bytes) -> list[list[bytes | None]]:
    found, at = [], 0
    while at < len(rows):
        (count,), at, row = struct.unpack_from(">h", rows, at), at + 2, []
        for _ in range(count):
            (length,), at = struct.unpack_from(">i", rows, at), at + 4
            row.append(None if length < 0 else rows[at : at + length])
            at += max(length, 0)
        found.append(row)
    return found


def as_value(name: str, stored: bytes | None) -> Any:
    kind = str(events.c[name].type.compile())
    if stored is None:
        return None
    if kind in NUMBERS:
        return struct.unpack(NUMBERS[kind], stored)[0]
    if name in ("occurred_at", "recorded_at"):
        return moment(struct.unpack(">q", stored)[0] + EPOCH_US)
    return stored if name in ("subject", "session") else stored.decode()


def test_rows_of_events_are_those_that_values_make() -> None:
    sent, owners = [PLAIN, FULL, SHOWN], [b"u" * 16, b"v" * 16, b"s" * 16]
    rows = decoded(copying.event_rows("shop", sent, owners, 7))
    values = [[as_value(name, field) for name, field in zip(COLUMNS, row, strict=True)] for row in rows]
    assert values == [list(to_row("shop", event, owner, moment(7))) for event, owner in zip(sent, owners, strict=True)]


def test_recent_rows_leave_impressions_out() -> None:
    rows = decoded(copying.recent_rows("shop", [SHOWN, FULL, PLAIN], [b"s" * 16, b"v" * 16, b"u" * 16]))
    values = [[as_value(name, field) for name, field in zip(copying.RECENT_COLUMNS, row, strict=True)] for row in rows]
    assert [(row[1], microseconds(row[2]), row[3:]) for row in values] == [
        (b"v" * 16, FULL.occurred_us, [FULL.action, "item-2", "q"]),
        (b"u" * 16, PLAIN.occurred_us, [PLAIN.action, "item-1", None]),
    ]


def test_ledger_rows_hold_id_and_hash() -> None:
    assert decoded(copying.ledger_rows("shop", [("e1", b"h" * 16)])) == [[b"shop", b"e1", b"h" * 16]]


class Driver:
    """Takes what is copied, and fails if told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.copied = b""

    async def copy_to_table(self, name: str, **options: Any) -> None:
        self.copied = b"".join([piece async for piece in options["source"]])
        if self.error is not None:
            raise self.error

    async def get_raw_connection(self) -> Any:
        return SimpleNamespace(driver_connection=self)


async def test_a_copy_is_framed_by_signature_and_end() -> None:
    driver, rows = Driver(), bytes(600_000)
    await copying.copy(driver, event_ledger, copying.LEDGER_COLUMNS, rows)  # type: ignore[arg-type]
    assert driver.copied == b"PGCOPY\n\xff\r\n\x00" + bytes(8) + rows + b"\xff\xff"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (asyncpg.UniqueViolationError("there"), copying.KnownId),
        (asyncpg.QueryCanceledError("late"), DBAPIError),
        (asyncpg.InterfaceError("gone"), DBAPIError),
    ],
)
async def test_a_known_key_is_told_from_a_database_in_trouble(raised: Exception, told: type[Exception]) -> None:
    with pytest.raises(told):
        await copying.copy(Driver(raised), event_ledger, copying.LEDGER_COLUMNS, b"")  # type: ignore[arg-type]
