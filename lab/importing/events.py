"""Event rows become messages; the rules are those of the contract's Event."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from lab.importing.amounts import Amounts, of_one, whole_number
from lab.importing.items import identifier
from lab.importing.problems import RowRefused
from lab.importing.times import moment
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

Fill = Callable[[str], None]

ACTIONS = {
    name.removeprefix("ACTION_").lower(): number
    for name, number in common_pb2.Action.items()
    if number != common_pb2.ACTION_UNSPECIFIED
}
DEVICES = {name.removeprefix("DEVICE_").lower(): number for name, number in common_pb2.Device.items() if number}
_SEARCH = common_pb2.ACTION_SEARCH
_RATE = common_pb2.ACTION_RATE
_WORDED = frozenset({common_pb2.ACTION_REVIEW, common_pb2.ACTION_COMMENT})
FIRST_SECOND = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
_AHEAD = timedelta(minutes=10)
_IN_FUTURE = "an event may be at most 10 minutes ahead; check the clock, the time zone and the column"
ID_FILL = "event_id: from the row's content"
PLAIN_ACTIONS = frozenset(ACTIONS.values()) - {_SEARCH, _RATE, *_WORDED}
"""Actions that need an item and nothing else of their own."""
SHORT_TEXTS = (("channel", 32), ("region", 6), ("locale", 35), ("tracking_token", 2_048))


class EventReader:
    """Checks event fields and makes messages of them. `now` bounds how far ahead an event may be."""

    def __init__(self, now: datetime, amounts: Amounts, on_fill: Fill) -> None:
        self.last_second = int((now + _AHEAD).timestamp())
        self.amounts = amounts
        self._on_fill = on_fill

    def read(self, fields: Mapping[str, Any]) -> pb.Event:
        """Return the event, without an id where the row has none. Raises: RowRefused at the first broken rule."""
        get = fields.get
        action = _action(get("action"))
        event = pb.Event(
            event_id=read_id(get("event_id"), "event_id"),
            action=action,
            occurred_at=self._occurred_at(get("occurred_at")),
            user_id=read_id(get("user_id"), "user_id"),
            session_id=read_id(get("session_id"), "session_id"),
            item_id=read_id(get("item_id"), "item_id"),
        )
        if not event.user_id and not event.session_id:
            raise RowRefused("user_id", "subject_missing", "an event needs a user_id or a session_id")
        if "row" in fields or "page_id" in fields:
            event.placement.CopyFrom(_placement(fields))
        self._read_by_action(event, fields)
        for name, limit in SHORT_TEXTS:
            if name in fields:
                setattr(event, name, read_text(fields[name], name, limit))
        device = get("device")
        if device:
            event.device = read_device(device)
        if not event.event_id:
            self._on_fill(ID_FILL)
        return event

    def _read_by_action(self, event: pb.Event, fields: Mapping[str, Any]) -> None:
        action = event.action
        if action == _SEARCH:
            event.query = read_text(fields.get("query"), "query", 500)
            event.ClearField("item_id")
        elif not event.item_id and not (action == _RATE and event.HasField("placement")):
            raise RowRefused("item_id", "item_id_missing", "this action needs an item_id")
        if action == _RATE:
            event.rating = whole_number(fields.get("rating"), "rating", 1, 5)
        elif action in _WORDED:
            event.text = read_text(fields.get("text"), "text", 10_000)
        self._read_amounts(event, fields)

    def _read_amounts(self, event: pb.Event, fields: Mapping[str, Any]) -> None:
        amounts, pieces = self.amounts, 1
        if "quantity" in fields:
            pieces = amounts.quantity(fields["quantity"])
            for fill in amounts.quantity_fills(pieces):
                self._on_fill(fill)
                pieces = 1
            event.quantity = pieces
        if "price" in fields and fields.get("currency"):
            currency = str(fields["currency"])
            amount = amounts.price(fields["price"], currency)
            for fill in amounts.price_fills(amount, pieces):
                self._on_fill(fill)
            event.price.amount_minor = of_one(amount, pieces) if amounts.price_of == "line" else amount
            event.price.currency = currency

    def read_us(self, value: Any) -> int:
        """Return when an event happened, in microseconds since 1970. Raises: RowRefused."""
        if value is None:
            raise RowRefused("occurred_at", "occurred_at_missing", "an event needs the time at which it happened")
        try:
            found = moment(value)
        except ValueError as error:
            raise RowRefused("occurred_at", "occurred_at_malformed", str(error)) from error
        seconds = int(found.timestamp())
        if seconds < FIRST_SECOND:
            raise RowRefused("occurred_at", "occurred_at_too_early", "an event before the year 2000; check the column")
        if seconds > self.last_second:
            raise RowRefused("occurred_at", "occurred_at_in_future", _IN_FUTURE)
        return seconds * 1_000_000 + found.microsecond

    def _occurred_at(self, value: Any) -> Timestamp:
        seconds, rest_us = divmod(self.read_us(value), 1_000_000)
        return Timestamp(seconds=seconds, nanos=rest_us * 1_000)


def read_action(value: Any) -> int:
    """Return the number of an action's name. Raises: RowRefused."""
    return int(_action(value))


def _action(value: Any) -> Any:
    number = ACTIONS.get(value) if isinstance(value, str) else None
    if number is None:
        number = ACTIONS.get(str(value or "").strip().lower().removeprefix("action_"))
    if number is None:
        known = ", ".join(ACTIONS)
        raise RowRefused("action", "action_unknown", f"{str(value)[:40]!r} is none of {known}; map it with values")
    return number


def read_id(value: Any, field: str) -> str:
    """Return an id of the shop's own, "" where there is none. Raises: RowRefused."""
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= 128 and value.isprintable() and " " not in value:
        return value
    return identifier(value, field)


def read_device(value: Any) -> Any:
    """Return the number of a device's name. Raises: RowRefused."""
    number = DEVICES.get(value) or DEVICES.get(str(value).strip().lower())
    if number is None:
        raise RowRefused("device", "device_unknown", f"{str(value)[:40]!r} is none of {', '.join(DEVICES)}")
    return number


def read_text(value: Any, field: str, limit: int) -> str:
    """Return a text that must be there. Raises: RowRefused."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise RowRefused(field, f"{field}_missing", f"this action needs a {field}")
    if len(text) > limit or "\x00" in text:
        raise RowRefused(field, f"{field}_malformed", f"{field} may have at most {limit:,} characters and no NUL")
    return text


def _placement(fields: Mapping[str, Any]) -> common_pb2.Placement:
    return common_pb2.Placement(
        page_id=read_id(fields.get("page_id"), "page_id"),
        section_id=identifier(fields.get("section_id"), "section_id"),
        row=whole_number(fields.get("row", 0), "row", 0, 10_000),
        column=whole_number(fields.get("column", 0), "column", 0, 10_000),
        device=read_device(fields["device"]) if fields.get("device") else common_pb2.DEVICE_UNSPECIFIED,
    )
