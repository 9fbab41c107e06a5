"""Events straight from the columns of a Parquet file.

Each rule of the mapping and each check of a field is applied once to every distinct value of a batch, by the very code
that rows go through. A row whose fields are all in order, and whose action needs an item and nothing else, is taken in
columns; every other row goes the way of rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lab.importing.amounts import of_one
from lab.importing.columns import ColumnMapper
from lab.importing.event_table import EventTable, Flags, Numbers
from lab.importing.events import (
    FIRST_SECOND,
    ID_FILL,
    PLAIN_ACTIONS,
    SHORT_TEXTS,
    EventReader,
    read_action,
    read_device,
    read_id,
    read_text,
)
from lab.importing.mapping import FieldRule, KindMapping
from lab.importing.problems import RowRefused

Read = Callable[[Any], Any]

_MARKS = ("page_id", "row")
"""A row that has one of these, whatever it holds, has a placement."""
_OF_OTHER_ROWS = ("query", "rating", "text", "section_id", "column")
"""Said only in rows with a placement or by actions that are not plain."""
_TEXT_COLUMNS = {
    "user_id": "user_ids", "session_id": "session_ids", "item_id": "item_ids", "channel": "channels",
    "region": "regions", "locale": "locales", "tracking_token": "tracking_tokens",
}  # fmt: skip
_FIELDS = (
    "action", "event_id", "occurred_at", "quantity", "price", "currency", "device", *_TEXT_COLUMNS, *_MARKS,
    *_OF_OTHER_ROWS,
)  # fmt: skip


def takes(mapping: KindMapping, schema: pa.Schema) -> bool:
    """Say whether batches of a file can be read in columns: one column or constant a field, no nested values."""
    for name in _FIELDS:
        rule = mapping.fields.get(name)
        if rule is None:
            continue
        if not isinstance(rule, FieldRule) or len(rule.columns) > 1:
            return False
        for column in rule.columns:
            places = schema.get_all_field_indices(column)
            if len(places) > 1 or (not places and "." in column):
                return False
            if places and pa.types.is_nested(schema.field(places[0]).type):
                return False
    return True


class ArrowReader:
    """Reads batches of a file that `takes` allows."""

    def __init__(self, mapping: KindMapping, reader: EventReader) -> None:
        self._reader = reader
        self._mapping = mapping
        self._reads: dict[str, Read] = {
            "action": read_action,
            "event_id": lambda value: read_id(value, "event_id"),
            "occurred_at": reader.read_us,
            "quantity": reader.amounts.quantity,
            "currency": str,
            "device": read_device,
            **{name: _id_reader(name) for name in ("user_id", "session_id", "item_id")},
            **{name: _text_reader(name, limit) for name, limit in SHORT_TEXTS},
        }

    def read(self, batch: pa.RecordBatch) -> EventTable:
        """Return the batch with its plain rows accepted. Raises: ArrowInvalid and the like for a damaged batch."""
        columns = {name: self._column(name, batch) for name in _FIELDS}
        amounts, priced, fits = self._prices(columns["price"], columns["currency"])
        for column in columns.values():
            fits &= column.fits
        actions, at_us = columns["action"].numbers(0), columns["occurred_at"].numbers(0)
        fits &= np.isin(actions, list(PLAIN_ACTIONS)) & columns["item_id"].is_set
        fits &= columns["user_id"].is_set | columns["session_id"].is_set
        fits &= (at_us >= FIRST_SECOND * 1_000_000) & (at_us // 1_000_000 <= self._reader.last_second)
        fits &= ~columns["page_id"].is_set & ~columns["row"].is_set
        currencies, places = columns["currency"].texts()
        texts = {column: columns[name].texts() for name, column in _TEXT_COLUMNS.items()}
        if priced.all():
            texts["price_currencies"] = currencies, places
        elif priced.any():
            texts["price_currencies"] = [*currencies, ""], np.where(priced, places, len(currencies))
        pieces = self._reader.amounts.pieces(columns["quantity"].numbers(1))
        ids, id_places = columns["event_id"].texts()
        numbers = {
            "actions": actions,
            "occurred_at_us": at_us,
            "quantities": np.where(columns["quantity"].is_set, pieces, 0),
            "price_amounts_minor": of_one(amounts, pieces) if self._reader.amounts.price_of == "line" else amounts,
            "devices": columns["device"].numbers(0),
        }
        table = EventTable(np.array(ids, object)[id_places].tolist(), numbers, texts)
        table.accepted = fits
        for column in columns.values():
            column.count_fills(fits, table.filled)
        table.filled[ID_FILL] += int(np.count_nonzero(fits & ~columns["event_id"].is_set))
        self._count_amounts(table, columns["quantity"], amounts, fits & priced)
        return table

    def _count_amounts(self, table: EventTable, quantity: "_Column", amounts: Numbers, priced: Flags) -> None:
        rules = self._reader.amounts
        for place, count in enumerate(np.bincount(quantity.places[table.accepted]).tolist()):
            if quantity.results[place] is not None:
                for fill in rules.quantity_fills(quantity.results[place]):
                    table.filled[fill] += count
        pieces = rules.pieces(quantity.numbers(1))
        several = priced & (pieces > 1)
        for uneven in (False, True):
            count = int(np.count_nonzero(several & ((amounts % pieces != 0) == uneven)))
            for fill in rules.price_fills(2 + uneven, 2):
                table.filled[fill] += count

    def _prices(self, price: "_Column", currency: "_Column") -> tuple[Numbers, Flags, Flags]:
        """Return the amounts as written in minor units, which rows have one, and which are in order."""
        priced = price.is_set & currency.is_set & currency.fits
        pairs, places = np.unique(price.places * len(currency.results) + currency.places, return_inverse=True)
        amounts, fits = np.zeros(len(pairs), np.int64), np.ones(len(pairs), np.bool_)
        asked = np.zeros(len(pairs), np.bool_)
        asked[places[priced]] = True
        for place in np.flatnonzero(asked).tolist():
            value, code = divmod(int(pairs[place]), len(currency.results))
            try:
                amounts[place] = self._reader.amounts.price(price.results[value], currency.results[code])
            except RowRefused:
                fits[place] = False
        return amounts[places], priced, fits[places]

    def _column(self, name: str, batch: pa.RecordBatch) -> "_Column":
        rule = self._mapping.fields.get(name)
        if not isinstance(rule, FieldRule):
            return _Column([None], np.zeros(batch.num_rows, np.int64))
        fills: list[str] = []
        mapper = ColumnMapper(self._mapping.model_copy(update={"fields": {name: rule}}), fills.append)
        source = rule.columns[0] if rule.columns and rule.columns[0] in batch.schema.names else ""
        values, places = _distinct(batch.column(source)) if source else ([None], np.zeros(batch.num_rows, np.int64))
        column = _Column([None] * len(values), places)
        read = self._reads.get(name, _as_it_is)
        as_written = source and name != "occurred_at" and rule == FieldRule.model_validate({"from": rule.columns})
        for place, value in enumerate(values):
            if as_written:
                found = None if value == "" else value
            else:
                found = mapper.fields_of({source: value} if source else {}).get(name)
                column.fills[place] = tuple(fills)
                fills.clear()
            if found is not None:
                column.set_value(place, found, read)
        return column


class _Column:
    """A field of every row: distinct results, and which of them each row has."""

    def __init__(self, results: list[Any], places: Numbers) -> None:
        self.results = results
        self.places = places
        self.fills: list[tuple[str, ...]] = [()] * len(results)
        self._fits = np.ones(len(results), np.bool_)

    def set_value(self, place: int, value: Any, read: Read) -> None:
        """Read a value of the file; one that is refused leaves its rows to the way of rows."""
        try:
            self.results[place] = read(value)
        except RowRefused:
            self._fits[place] = False

    @property
    def fits(self) -> Flags:
        """`[rows]` whether the field is in order."""
        return self._fits[self.places]

    @property
    def is_set(self) -> Flags:
        """`[rows]` whether the field says something."""
        is_set: Flags = np.array([result is not None and result != "" for result in self.results])[self.places]
        return is_set

    def numbers(self, missing: int) -> Numbers:
        """Return `[rows]` numbers."""
        return np.array([missing if result is None else result for result in self.results], np.int64)[self.places]

    def texts(self) -> tuple[list[str], Numbers]:
        """Return the distinct texts and each row's place in them."""
        return [result or "" for result in self.results], self.places

    def count_fills(self, rows: Flags, filled: Any) -> None:
        """Count what the mapping filled in some rows."""
        if any(self.fills):
            counts = np.bincount(self.places[rows], minlength=len(self.results)).tolist()
            for count, fills in zip(counts, self.fills, strict=True):
                for fill in fills:
                    filled[fill] += count


def _distinct(column: pa.Array) -> tuple[list[Any], Numbers]:
    """Return the distinct values, None among them where some are missing, and each row's place in them."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values: Sequence[Any] = encoded.dictionary.to_pylist()
    places = pc.fill_null(encoded.indices.cast(pa.int64()), len(values)).to_numpy(zero_copy_only=False)
    return [*values, *[None] * bool(encoded.indices.null_count)], places


def _as_it_is(value: Any) -> Any:
    return value


def _id_reader(name: str) -> Read:
    return lambda value: read_id(value, name)


def _text_reader(name: str, limit: int) -> Read:
    return lambda value: read_text(value, name, limit)
