"""Rows in the binary format of COPY, written a batch at a time.

The driver would encode value by value through its type codecs, which costs as much as PostgreSQL takes to store the
rows. Most values of a batch repeat, so here each distinct one is encoded once and rows are put together from the parts.
Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar

import asyncpg
from sqlalchemy import Table, exc
from sqlalchemy.ext.asyncio import AsyncConnection

from services.user_profile.actions import IMPRESSION
from services.user_profile.events import HASH_BYTES, Event
from services.user_profile.sql.event_rows import COLUMNS

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
# PostgreSQL counts microseconds from 2000-01-01.
_EPOCH_US: Final = 946_684_800_000_000
_LENGTH: Final = struct.Struct(">i").pack
_SMALL: Final = struct.Struct(">ih").pack
_INTEGER: Final = struct.Struct(">ii").pack
_BIG: Final = struct.Struct(">iq").pack
_COUNT: Final = struct.Struct(">h").pack
_PIECE_BYTES: Final = 1 << 18

LEDGER_COLUMNS: Final = ("shop_id", "event_id", "payload_hash")
RECENT_COLUMNS: Final = ("shop_id", "subject", "occurred_at", "action", "item_id", "query")

Key = TypeVar("Key")
Value = TypeVar("Value")


class KnownId(Exception):  # noqa: N818  not an error of anybody's: the caller goes another way
    """A row of the batch has a key that the table holds already."""


def ledger_rows(shop_id: str, entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Rows of event_ledger with LEDGER_COLUMNS."""
    start = _COUNT(len(LEDGER_COLUMNS)) + _text(shop_id)
    packs = _Packs(lambda length: struct.Struct(f">{len(start)}si{length}si{HASH_BYTES}s").pack)
    rows: list[bytes] = []
    for event_id, digest in entries:
        encoded = event_id.encode()
        length = len(encoded)
        rows.append(packs[length](start, length, encoded, HASH_BYTES, digest))
    return b"".join(rows)


def event_rows(shop_id: str, events: Sequence[Event], owners: Sequence[bytes], recorded_us: int) -> bytes:
    """Rows of events with COLUMNS; equal to those of `event_rows.to_row`."""
    start = _COUNT(len(COLUMNS)) + _text(shop_id)
    recorded = recorded_us - _EPOCH_US
    heads = _Packs(lambda length: struct.Struct(f">{len(start)}si{length}siqiq").pack)
    by, actions, items = _Once(_optional_bytes), _Once(_small), _Once(_text)
    tails: dict[tuple[object, ...], bytes] = {}
    parts: list[bytes] = []
    for event, owner in zip(events, owners, strict=True):
        rest = event[6:]
        tail = tails.get(rest) or tails.setdefault(rest, _tail(event))
        encoded = event.event_id.encode()
        length = len(encoded)
        parts += (
            heads[length](start, length, encoded, 8, event.occurred_us - _EPOCH_US, 8, recorded),
            by[owner], by[event.session], actions[event.action], items[event.item_id], tail,
        )  # fmt: skip
    return b"".join(parts)


def recent_rows(shop_id: str, events: Sequence[Event], owners: Sequence[bytes]) -> bytes:
    """Rows of recent_events with RECENT_COLUMNS, of the events that are no impressions."""
    start = _COUNT(len(RECENT_COLUMNS)) + _text(shop_id)
    by, actions, items, queries = _Once(_bytes), _Once(_small), _Once(_text), _Once(_optional_text)
    parts: list[bytes] = []
    for event, owner in zip(events, owners, strict=True):
        if event.action != IMPRESSION:
            at = _moment(event.occurred_us)
            parts += (start, by[owner], at, actions[event.action], items[event.item_id], queries[event.query])
    return b"".join(parts)


async def copy(connection: AsyncConnection, table: Table, columns: Sequence[str], rows: bytes) -> None:
    """Add rows inside the transaction that has begun. Raises: KnownId; DBAPIError."""
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection = raw.driver_connection
    try:
        await driver.copy_to_table(
            table.name, schema_name=table.schema, columns=list(columns), source=_pieces(rows), format="binary"
        )
    except asyncpg.UniqueViolationError as error:
        raise KnownId(table.fullname) from error
    except asyncpg.PostgresError as error:
        raise exc.DBAPIError(f"COPY {table.fullname}", None, error) from error
    except asyncpg.InterfaceError as error:
        raise exc.InterfaceError(f"COPY {table.fullname}", None, error) from error


class _Once(dict[Key, Value], Generic[Key, Value]):
    """Encodes each distinct value once."""

    def __init__(self, encode: Callable[[Key], Value]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, key: Key) -> Value:
        encoded = self[key] = self._encode(key)
        return encoded


_Packs = _Once[int, Callable[..., bytes]]


async def _pieces(rows: bytes) -> AsyncIterator[bytes]:
    yield _SIGNATURE
    for first in range(0, len(rows), _PIECE_BYTES):
        yield rows[first : first + _PIECE_BYTES]
    yield _END


def _tail(event: Event) -> bytes:
    """What stands behind item_id; empty texts are NULL as in `event_rows.to_row`."""
    placed = event.placement
    of_placement = (_NULL,) * 5
    if placed is not None:
        of_placement = (
            _text(placed.page_id), _text(placed.section_id), _integer(placed.row), _integer(placed.column),
            _small(placed.device),
        )  # fmt: skip
    return b"".join(
        (
            _optional_text(event.query),
            _NULL if event.rating is None else _small(event.rating),
            _optional_text(event.text),
            _NULL if event.quantity is None else _integer(event.quantity),
            _NULL if event.price_minor is None else _BIG(8, event.price_minor),
            _optional_text(event.currency),
            _text(event.channel),
            _optional_text(event.region),
            _optional_text(event.locale),
            _small(event.device),
            *of_placement,
        )
    )


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def _optional_text(value: str) -> bytes:
    return _text(value) if value else _NULL


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _optional_bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _bytes(value)


def _small(value: int) -> bytes:
    return _SMALL(2, value)


def _integer(value: int) -> bytes:
    return _INTEGER(4, value)


def _moment(us: int) -> bytes:
    return _BIG(8, us - _EPOCH_US)
