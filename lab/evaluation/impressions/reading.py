"""Logged impressions from a file: checked, in columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lab.evaluation.tables import TableRefused, as_numbers, numbers, read_table, texts, where

KEYS = ("request_id", "user_id", "item_id", "position", "occurred_at")
LABELS = ("clicked", "purchased")
_YES, _NO = {"1", "1.0", "true", "True", "TRUE"}, {"0", "0.0", "false", "False", "FALSE"}
_EPOCH_UNITS_US = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (np.inf, 1e-3))
"""Epochs below the bound are seconds, milliseconds, microseconds, nanoseconds: how many µs each is."""


@dataclass(frozen=True)
class Impressions:
    """What was shown, in the file's order; `[N]` each."""

    request_ids: pa.Array
    user_ids: pa.Array
    """Text; "" for a visitor without a name."""
    item_ids: pa.Array
    positions: NDArray[np.int64]
    occurred_us: NDArray[np.int64]
    """Microseconds since 1970 in UTC."""
    context: Mapping[str, pa.Array]
    """The other columns, by name: text, numbers or timestamps as the file has them, null where missing."""
    clicked: NDArray[np.bool_]
    """All false where labels were not asked for."""
    purchased: NDArray[np.bool_]
    """Clicked and purchased."""
    unclicked_purchases: int = 0
    """Purchases of impressions that were not clicked; they are not counted as purchased."""
    source: Path = Path()
    """For messages."""

    def __len__(self) -> int:
        return len(self.positions)


def read_impressions(path: Path, labelled: bool) -> Impressions:
    """Read a Parquet or CSV file; without labels, label columns that are there all the same are not looked at.

    Raises:
        TableRefused: a column is absent, or a value is not what its column holds.

    """
    table = read_table(path, (*KEYS, *LABELS) if labelled else KEYS)
    nothing = np.zeros(table.num_rows, np.bool_)
    clicked, purchased = (_flags(path, table, name) if labelled else nothing for name in LABELS)
    plain = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    others = [name for name in plain if name not in (*KEYS, *LABELS)]
    return Impressions(
        request_ids=texts(path, table, "request_id"),
        user_ids=texts(path, table, "user_id", missing=""),
        item_ids=texts(path, table, "item_id"),
        positions=_positions(path, table),
        occurred_us=_moments(path, table),
        context={name: _plain(table.column(name).combine_chunks()) for name in others},
        clicked=clicked,
        purchased=purchased & clicked,
        unclicked_purchases=int((purchased & ~clicked).sum()),
        source=path,
    )


def _positions(path: Path, table: pa.Table) -> NDArray[np.int64]:
    found = numbers(path, table, "position")
    wrong = np.flatnonzero((found < 0) | (found != np.floor(found)) | (found > 1e9))
    if len(wrong):
        row = int(wrong[0])
        raise TableRefused(f"{where(path, row)}: position {found[row]:g} is not a whole number from 0")
    return found.astype(np.int64)


def _flags(path: Path, table: pa.Table, name: str) -> NDArray[np.bool_]:
    values = texts(path, table, name).dictionary_encode()
    meaning: list[bool] = []
    for value in values.dictionary.to_pylist():
        if value.strip() not in _YES | _NO:
            row = values.indices.to_numpy().tolist().index(len(meaning))
            raise TableRefused(f"{where(path, row)}: {name} {value!r} is neither 0 nor 1; write one of them")
        meaning.append(value.strip() in _YES)
    indices: NDArray[np.int64] = values.indices.to_numpy()
    return np.array(meaning, np.bool_)[indices]


def _moments(path: Path, table: pa.Table) -> NDArray[np.int64]:
    column = table.column("occurred_at").combine_chunks()
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise TableRefused(f"{where(path, row)}: occurred_at is missing; give every row a time")
    moments = as_moments(column)
    if moments is not None:
        return moments
    for row, value in enumerate(column.to_pylist()):
        if as_moments(pa.array([value])) is None:
            raise TableRefused(
                f"{where(path, row)}: occurred_at {value!r} is not a time; write it as 2026-01-31T12:00:00Z, "
                "or as seconds since 1970"
            )
    raise TableRefused(f"{path}: the values of occurred_at are of different kinds; write all as 2026-01-31T12:00:00Z")


def as_moments(column: pa.Array) -> NDArray[np.int64] | None:
    """`[N]` µs since 1970 of times in ISO 8601 (UTC where no zone is given), timestamps or epochs; a missing one is
    the least number. None where a value is no time.
    """
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _whole(pc.cast(column, pa.timestamp("us", getattr(column.type, "tz", None)), safe=False))
    found = as_numbers(column)
    if found is not None:
        return _epochs(found)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            return _whole(pc.cast(pc.utf8_trim_whitespace(column), kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    return _spelt(column)


NO_TIME = np.iinfo(np.int64).min


def _whole(column: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.cast(column, pa.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False), np.int64)


def _epochs(found: NDArray[np.float64]) -> NDArray[np.int64]:
    known = found[np.isfinite(found)]
    largest = float(np.abs(known).max(initial=0.0))
    unit_us = next(unit for bound, unit in _EPOCH_UNITS_US if largest < bound)
    return np.where(np.isfinite(found), np.nan_to_num(found) * unit_us, NO_TIME).astype(np.int64)


def _spelt(column: pa.Array) -> NDArray[np.int64] | None:
    """Times with and without zones in one column, one by one."""
    answer = np.full(len(column), NO_TIME, np.int64)
    for row, value in enumerate(column.to_pylist()):
        if value is None:
            continue
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        answer[row] = round(moment.timestamp() * 1e6)
    return answer


def _plain(column: pa.Array) -> pa.Array:
    """Text of any kind as text, truth values as numbers."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    return column
