"""Values as numbers: what training saw gets a code, what it did not is −1; amounts stay amounts beside their code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lab.evaluation.impressions.reading import NO_TIME, Impressions, as_moments
from lab.evaluation.tables import TableRefused, as_numbers

USER, ITEM = "user_id", "item_id"
_HOUR_US = 3_600_000_000
_MOST_WHOLE_CODES = 200
"""Whole numbers of so few values are names as likely as amounts: each gets a code of its own."""
_AMOUNT_BINS = 20


@dataclass(frozen=True)
class Encoded:
    """Impressions in numbers; `[N]` each unless said otherwise."""

    codes: Mapping[str, NDArray[np.int64]]
    """Of the user, the item and each context column; −1: a value that training did not have."""
    amounts: NDArray[np.float32]
    """`[N, m]` amounts as they are, NaN where missing."""
    places: NDArray[np.int64]
    """Number of the position among those of training, the nearest one where it is none of them."""
    requests: NDArray[np.int64]
    occurred_us: NDArray[np.int64]
    clicked: NDArray[np.bool_]
    purchased: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: NDArray[np.int64]) -> "Encoded":
        """Some of the rows."""
        return Encoded(
            {name: codes[rows] for name, codes in self.codes.items()},
            self.amounts[rows],
            self.places[rows],
            self.requests[rows],
            self.occurred_us[rows],
            self.clicked[rows],
            self.purchased[rows],
        )


@dataclass(frozen=True)
class WordColumn:
    """A column of names."""

    values: pa.Array
    """Those of training."""

    def codes(self, column: pa.Array) -> NDArray[np.int64]:
        """`[N]` a missing value is a value like any other."""
        if not pa.types.is_string(column.type):
            column = pc.cast(column, pa.string())
        found = pc.index_in(column.fill_null(""), value_set=self.values)
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


@dataclass(frozen=True)
class AmountColumn:
    """A column of numbers, or of times, which count in hours before the impression."""

    edges: NDArray[np.float64]
    """Sorted: the values themselves where `exact`, else the upper bounds of bins with equally many rows."""
    exact: bool
    timed: bool

    def codes(self, amounts: NDArray[np.float64]) -> NDArray[np.int64]:
        """`[N]`; a missing amount has the last code."""
        place = np.searchsorted(self.edges, np.nan_to_num(amounts)).astype(np.int64)
        if self.exact:
            nearest = np.minimum(place, len(self.edges) - 1)
            place = np.where(self.edges[nearest] == amounts, nearest, -1)
        return np.where(np.isnan(amounts), len(self.edges) + 1, place)


Column = WordColumn | AmountColumn


@dataclass(frozen=True)
class Encoder:
    """What training knows of each column."""

    columns: Mapping[str, Column]
    positions: NDArray[np.int64]
    """Those of training, sorted."""
    weekdays: bool
    """Whether training covers the days of the week."""

    def encode(self, impressions: Impressions) -> Encoded:
        """Numbers for the rows of a file. A row's numbers depend on its request's rows alone.

        Raises:
            TableRefused: text where training had numbers or times.

        """
        values = {USER: impressions.user_ids, ITEM: impressions.item_ids, **impressions.context}
        codes, amounts = {}, []
        for name, column in self.columns.items():
            if isinstance(column, WordColumn):
                codes[name] = column.codes(values[name])
            else:
                found = _amounts_of(impressions, name, values[name], column.timed)
                codes[name] = column.codes(found)
                amounts.append(found)
        requests = np.asarray(impressions.request_ids.dictionary_encode().indices.to_numpy(), np.int64)
        sizes = np.bincount(requests)[requests]
        hours = impressions.occurred_us // _HOUR_US
        codes["hour"], amounts = hours % 24, [*amounts, (hours % 24).astype(np.float64), sizes.astype(np.float64)]
        if self.weekdays:
            codes["weekday"] = (hours // 24) % 7
        return Encoded(
            codes,
            np.column_stack(amounts).astype(np.float32),
            self._places(impressions.positions),
            requests,
            impressions.occurred_us,
            impressions.clicked,
            impressions.purchased,
        )

    def _places(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        after = np.clip(np.searchsorted(self.positions, positions), 0, len(self.positions) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(positions - self.positions[before]) < np.abs(self.positions[after] - positions)
        return np.where(nearer, before, after)


def learn_encoder(training: Impressions, shared: Sequence[str]) -> Encoder:
    """What to make of each column; `shared` are the context columns that the other file has too."""
    columns: dict[str, Column] = {
        USER: WordColumn(pc.unique(training.user_ids)),
        ITEM: WordColumn(pc.unique(training.item_ids)),
    }
    for name in shared:
        column = _learn_column(training, name)
        if column is not None:
            columns[name] = column
    span_us = int(training.occurred_us.max()) - int(training.occurred_us.min())
    return Encoder(columns, np.unique(training.positions), span_us >= 14 * 24 * _HOUR_US)


def _learn_column(training: Impressions, name: str) -> Column | None:
    """None for a column that is everywhere the same."""
    column = training.context[name]
    textual = pa.types.is_string(column.type)
    if len(pc.unique(column)) < 2:
        return None
    if as_numbers(column) is not None and not pa.types.is_temporal(column.type):
        return _learn_amounts(_amounts_of(training, name, column, timed=False), timed=False)
    if (
        pa.types.is_timestamp(column.type)
        or pa.types.is_date(column.type)
        or (textual and as_moments(column) is not None)
    ):
        return _learn_amounts(_amounts_of(training, name, column, timed=True), timed=True)
    return WordColumn(pc.unique(pc.cast(column, pa.string()).fill_null("")))


def _learn_amounts(amounts: NDArray[np.float64], timed: bool) -> AmountColumn:
    known = amounts[np.isfinite(amounts)]
    values = np.unique(known)
    if len(values) <= _MOST_WHOLE_CODES and np.array_equal(values, np.round(values)):
        return AmountColumn(values, exact=True, timed=timed)
    edges = np.unique(np.quantile(known, np.arange(1, _AMOUNT_BINS) / _AMOUNT_BINS)) if len(known) else known
    return AmountColumn(edges, exact=False, timed=timed)


def _amounts_of(impressions: Impressions, name: str, column: pa.Array, timed: bool) -> NDArray[np.float64]:
    """`[N]` NaN where missing."""
    if timed:
        moments = as_moments(column)
        if moments is None:
            raise _refusal(impressions.source, name, "times")
        hours = (impressions.occurred_us - moments) / _HOUR_US
        return np.where(moments == NO_TIME, np.nan, np.sign(hours) * np.log1p(np.abs(hours)))
    found = as_numbers(column)
    if found is None:
        raise _refusal(impressions.source, name, "numbers")
    return np.where(np.isfinite(found), found, np.nan)


def _refusal(path: Path, name: str, kind: str) -> TableRefused:
    return TableRefused(
        f"{path}: the column {name!r} holds {kind} in the training file, and something else here; "
        "write the same kind of values in both, and leave unknown ones empty"
    )
