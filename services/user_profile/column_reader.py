"""Events in columns to the domain's: what is plainly in order is taken in bulk, every other row is read as a message of
its own, so that what an event must be is written once, in `event_reader`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from services.kit.checks import MAX_ID_CHARS, Checks
from services.kit.errors import FieldViolation
from services.user_profile import event_reader as rules
from services.user_profile.event_reader import EventReader
from services.user_profile.events import Event, Placement
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

MAX_ROWS: Final = 10_000
_NUMBERS: Final = (
    "actions", "occurred_at_us", "ratings", "quantities", "price_amounts_minor", "devices", "placement_rows",
    "placement_columns", "placement_devices",
)  # fmt: skip
_TEXTS: Final = (
    "user_ids", "session_ids", "item_ids", "queries", "texts", "price_currencies", "channels", "regions", "locales",
    "tracking_tokens", "placement_page_ids", "placement_section_ids",
)  # fmt: skip


def check_columns(checks: Checks, columns: pb.EventColumns) -> None:
    """Check that columns fit together, whatever they say."""
    count = len(columns.event_ids)
    checks.count("columns.event_ids", columns.event_ids, 0, MAX_ROWS)
    for name in _NUMBERS:
        _check_length(checks, name, len(getattr(columns, name)), count)
    for name in _TEXTS:
        column: pb.TextColumn = getattr(columns, name)
        field = f"{name}.indexes"
        checks.count(f"columns.{name}.values", column.values, 0, MAX_ROWS)
        if _check_length(checks, field, len(column.indexes), count) and column.indexes:
            fits = min(column.indexes) >= 0 and max(column.indexes) < len(column.values)
            checks.that(fits, f"columns.{field}", "send positions in values, from 0")


def read_columns(
    columns: pb.EventColumns, reader: EventReader
) -> tuple[list[Event | None], dict[int, tuple[FieldViolation, ...]]]:
    """The event of every row, None and what is wrong with it where a row breaks a rule. The columns fit together."""
    rows = _Rows(columns)
    events: list[Event | None] = list(rows.events(reader))
    wrong: dict[int, tuple[FieldViolation, ...]] = {}
    for row in np.flatnonzero(~rows.in_order(reader.now_us)).tolist():
        events[row], violations = reader.read(rows.message(row))
        if violations:
            wrong[row] = violations
    return events, wrong


class _Texts:
    """A column of texts: distinct values, and which of them each row has."""

    def __init__(self, column: pb.TextColumn, count: int) -> None:
        self.values = list(column.values) if column.indexes else [""]
        self.indexes = _full(column.indexes, count)
        self.is_set = self.where(bool)

    def where(self, holds: Callable[[str], object]) -> Flags:
        """`[rows]` whether something holds of a row's text; asked once a distinct text."""
        return np.fromiter((bool(holds(value)) for value in self.values), np.bool_, len(self.values))[self.indexes]

    def taken(self, replace: Callable[[str], Any] = str) -> list[Any]:
        """What each row's text is replaced by, made once a distinct text."""
        replaced = np.empty(len(self.values), object)
        for position, value in enumerate(self.values):
            replaced[position] = replace(value)
        taken: list[Any] = replaced[self.indexes].tolist()
        return taken


class _Rows:
    """The columns of a message, filled up to one element a row."""

    def __init__(self, columns: pb.EventColumns) -> None:
        self.ids = list(columns.event_ids)
        count = len(self.ids)
        self.numbers = {name: _full(getattr(columns, name), count) for name in _NUMBERS}
        self.texts = {name: _Texts(getattr(columns, name), count) for name in _TEXTS}
        has_text, numbers = {name: column.is_set for name, column in self.texts.items()}, self.numbers
        self.priced = has_text["price_currencies"] | (numbers["price_amounts_minor"] != 0)
        self.placed = has_text["placement_page_ids"] | has_text["placement_section_ids"]
        for name in ("placement_rows", "placement_columns", "placement_devices"):
            self.placed |= numbers[name] != 0

    def in_order(self, now_us: int) -> Flags:
        """`[rows]` whether a row is plainly in order. Those that are not may still be."""
        checks, numbers, texts = Checks(), self.numbers, self.texts
        actions, times = numbers["actions"], numbers["occurred_at_us"]
        fits: Flags = _identifiers(checks, self.ids) & np.isin(actions, list(rules.ACTIONS))
        fits &= ~texts["tracking_tokens"].is_set
        fits &= (times >= rules.EARLIEST_US) & (times <= now_us + rules.MAX_AHEAD_US)
        fits &= texts["user_ids"].is_set | texts["session_ids"].is_set
        for name in ("user_ids", "session_ids", "item_ids"):
            fits &= texts[name].where(lambda value: checks.identifier("", value))
        fits &= texts["item_ids"].is_set != (actions == rules.SEARCH)
        fits &= self._words_fit(checks) & self._numbers_fit(checks) & self._context_fits(checks)
        fits &= ~self.placed | self._placement_fits(checks)
        return fits

    def _words_fit(self, checks: Checks) -> Flags:
        queries, texts, actions = self.texts["queries"], self.texts["texts"], self.numbers["actions"]
        fits = queries.where(lambda value: checks.text("", value, max_length=rules.MAX_QUERY_CHARS))
        fits &= texts.where(lambda value: checks.text("", value, max_length=rules.MAX_TEXT_CHARS))
        fits &= queries.where(str.strip) | (~queries.is_set & (actions != rules.SEARCH))
        fits &= texts.where(str.strip) | (~texts.is_set & ~np.isin(actions, list(rules.IN_WORDS)))
        return fits

    def _numbers_fit(self, checks: Checks) -> Flags:
        numbers, currencies = self.numbers, self.texts["price_currencies"]
        ratings, quantities = numbers["ratings"], numbers["quantities"]
        fits: Flags = _within(ratings, 1, 5) | ((ratings == 0) & (numbers["actions"] != rules.RATE))
        fits &= _within(quantities, 0, rules.MAX_QUANTITY)
        named = currencies.where(lambda value: checks.currency("", value, required=True))
        fits &= ~self.priced | (named & (numbers["price_amounts_minor"] >= 0))
        return fits

    def _context_fits(self, checks: Checks) -> Flags:
        texts = self.texts
        fits = texts["channels"].where(lambda value: checks.identifier("", value, max_length=rules.MAX_CHANNEL_CHARS))
        fits &= texts["regions"].where(lambda value: checks.region("", value))
        fits &= texts["locales"].where(lambda value: checks.locale("", value))
        return fits & np.isin(self.numbers["devices"], list(rules.DEVICES))

    def _placement_fits(self, checks: Checks) -> Flags:
        texts, numbers = self.texts, self.numbers
        fits = texts["placement_page_ids"].where(lambda value: checks.identifier("", value, required=True))
        fits &= texts["placement_section_ids"].where(
            lambda value: checks.identifier("", value, max_length=rules.MAX_SECTION_CHARS)
        )
        for name in ("placement_rows", "placement_columns"):
            fits &= _within(numbers[name], 0, rules.MAX_PLACEMENT)
        return fits & np.isin(numbers["placement_devices"], list(rules.DEVICES))

    def events(self, reader: EventReader) -> Iterable[Event]:
        """The event of every row, as if all of them were in order."""
        texts, numbers = self.texts, self.numbers
        actions, quantities = numbers["actions"], numbers["quantities"]
        columns = (
            self.ids,
            actions.tolist(),
            numbers["occurred_at_us"].tolist(),
            texts["user_ids"].taken(lambda value: reader.user(value) if value else None),
            texts["session_ids"].taken(lambda value: reader.session(value) if value else None),
            texts["item_ids"].taken(),
            texts["queries"].taken(),
            _where(numbers["ratings"] != 0, numbers["ratings"]),
            texts["texts"].taken(),
            _where(np.isin(actions, list(rules.COUNTED)), np.where(quantities == 0, 1, quantities)),
            _where(self.priced, numbers["price_amounts_minor"]),
            texts["price_currencies"].taken(),
            texts["channels"].taken(lambda value: value or rules.DEFAULT_CHANNEL),
            texts["regions"].taken(),
            texts["locales"].taken(),
            numbers["devices"].tolist(),
            self._placements(),
        )
        return map(Event._make, zip(*columns, strict=True))

    def _placements(self) -> list[Placement | None]:
        if not self.placed.any():
            return [None] * len(self.ids)
        numbers = self.numbers
        fields = (
            self.texts["placement_page_ids"].taken(),
            self.texts["placement_section_ids"].taken(),
            *(numbers[name].tolist() for name in ("placement_rows", "placement_columns", "placement_devices")),
        )
        every = map(Placement._make, zip(*fields, strict=True))
        return [place if placed else None for place, placed in zip(every, self.placed.tolist(), strict=True)]

    def message(self, row: int) -> pb.Event:
        """A row as a message of its own."""
        number = {name: int(column[row]) for name, column in self.numbers.items()}
        text = {name: column.values[column.indexes[row]] for name, column in self.texts.items()}
        seconds, rest_us = divmod(number["occurred_at_us"], 1_000_000)
        at_us, rating = number["occurred_at_us"], number["ratings"]
        price = common_pb2.Money(amount_minor=number["price_amounts_minor"], currency=text["price_currencies"])
        placement = common_pb2.Placement(
            page_id=text["placement_page_ids"],
            section_id=text["placement_section_ids"],
            row=number["placement_rows"],
            column=number["placement_columns"],
            device=common_pb2.Device.ValueType(number["placement_devices"]),
        )
        return pb.Event(
            event_id=self.ids[row],
            action=common_pb2.Action.ValueType(number["actions"]),
            occurred_at=Timestamp(seconds=seconds, nanos=rest_us * 1_000) if at_us else None,
            user_id=text["user_ids"],
            session_id=text["session_ids"],
            item_id=text["item_ids"],
            query=text["queries"],
            rating=rating or None,
            text=text["texts"],
            quantity=number["quantities"],
            price=price if self.priced[row] else None,
            channel=text["channels"],
            region=text["regions"],
            locale=text["locales"],
            device=common_pb2.Device.ValueType(number["devices"]),
            tracking_token=text["tracking_tokens"],
            placement=placement if self.placed[row] else None,
        )


def _check_length(checks: Checks, name: str, length: int, count: int) -> bool:
    description = f"send {count:,} elements (one a row), one for all rows, or none; got {length:,}"
    return checks.that(length in (0, 1, count), f"columns.{name}", description)


def _full(column: Sequence[int], count: int) -> Numbers:
    """`[rows]` a column of numbers with one element a row."""
    if len(column) == count:
        return np.fromiter(column, np.int64, count)
    return np.full(count, column[0] if column else 0, np.int64)


def _identifiers(checks: Checks, values: Sequence[str]) -> Flags:
    """`[rows]` whether ids are in order; asked together first, as nearly all are."""
    together = "".join(values)
    lengths = [len(value) for value in values] or [1]
    if together.isprintable() and " " not in together and min(lengths) >= 1 and max(lengths) <= MAX_ID_CHARS:
        return np.ones(len(values), np.bool_)
    return np.fromiter((checks.identifier("", value, required=True) for value in values), np.bool_, len(values))


def _within(numbers: Numbers, low: int, high: int) -> Flags:
    within: Flags = (numbers >= low) & (numbers <= high)
    return within


def _where(holds: Flags, numbers: Numbers) -> list[int | None]:
    """The numbers, None where it does not hold."""
    chosen = numbers.astype(object)
    chosen[~holds] = None
    taken: list[int | None] = chosen.tolist()
    return taken
