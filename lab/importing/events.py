"""Event rows become messages; the rules are those of the contract's Event."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from lab.importing.items import identifier
from lab.importing.money import is_currency, minor_units
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
_FIRST_SECOND = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
_AHEAD = timedelta(minutes=10)
_SHORT_TEXTS = (("channel", 32), ("region", 6), ("locale", 35), ("tracking_token", 2_048))


class EventReader:
    """Checks event fields and makes messages of them. `now` bounds how far ahead an event may be."""

    def __init__(self, now: datetime, price_unit: str, on_fill: Fill) -> None:
        self._last_second = int((now + _AHEAD).timestamp())
        self._price_unit = price_unit
        self._on_fill = on_fill

    def read(self, fields: Mapping[str, Any]) -> pb.Event:
        """Return the event. Raises: RowRefused at the first field that breaks a rule."""
        get = fields.get
        action = _action(get("action"))
        event = pb.Event(
            event_id=_id(get("event_id"), "event_id"),
            action=action,
            occurred_at=self._occurred_at(get("occurred_at")),
            user_id=_id(get("user_id"), "user_id"),
            session_id=_id(get("session_id"), "session_id"),
            item_id=_id(get("item_id"), "item_id"),
        )
        if not event.user_id and not event.session_id:
            raise RowRefused("user_id", "subject_missing", "an event needs a user_id or a session_id")
        if "row" in fields or "page_id" in fields:
            event.placement.CopyFrom(_placement(fields))
        self._read_by_action(event, fields)
        for name, limit in _SHORT_TEXTS:
            if name in fields:
                setattr(event, name, _text(fields[name], name, limit))
        device = get("device")
        if device:
            event.device = _device(device)
        if not event.event_id:
            self._on_fill("event_id: from the row's content")
            event.event_id = _content_id(fields)
        return event

    def _read_by_action(self, event: pb.Event, fields: Mapping[str, Any]) -> None:
        action = event.action
        if action == _SEARCH:
            event.query = _text(fields.get("query"), "query", 500)
            event.ClearField("item_id")
        elif not event.item_id and not (action == _RATE and event.HasField("placement")):
            raise RowRefused("item_id", "item_id_missing", "this action needs an item_id")
        if action == _RATE:
            event.rating = _number(fields.get("rating"), "rating", 1, 5)
        elif action in _WORDED:
            event.text = _text(fields.get("text"), "text", 10_000)
        if "quantity" in fields:
            event.quantity = _number(fields["quantity"], "quantity", 1, 10_000)
        if "price" in fields and fields.get("currency"):
            if not is_currency(str(fields["currency"])):
                remedy = f"{str(fields['currency'])[:10]!r} is no ISO 4217 currency such as EUR; map it with values"
                raise RowRefused("currency", "currency_unknown", remedy)
            try:
                amount = minor_units(fields["price"], str(fields["currency"]), self._price_unit)
            except ValueError as error:
                raise RowRefused("price", "price_malformed", str(error)) from error
            event.price.amount_minor, event.price.currency = amount, str(fields["currency"])

    def _occurred_at(self, value: Any) -> Timestamp:
        if value is None:
            raise RowRefused("occurred_at", "occurred_at_missing", "an event needs the time at which it happened")
        try:
            found = moment(value)
        except ValueError as error:
            raise RowRefused("occurred_at", "occurred_at_malformed", str(error)) from error
        seconds = int(found.timestamp())
        if seconds < _FIRST_SECOND:
            raise RowRefused("occurred_at", "occurred_at_too_early", "an event before the year 2000; check the column")
        if seconds > self._last_second:
            raise RowRefused("occurred_at", "occurred_at_in_future", "an event may be at most 10 minutes ahead")
        return Timestamp(seconds=seconds, nanos=found.microsecond * 1_000)


def _action(value: Any) -> Any:
    number = ACTIONS.get(value) if isinstance(value, str) else None
    if number is None:
        number = ACTIONS.get(str(value or "").strip().lower().removeprefix("action_"))
    if number is None:
        known = ", ".join(ACTIONS)
        raise RowRefused("action", "action_unknown", f"{str(value)[:40]!r} is none of {known}; map it with values")
    return number


def _id(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= 128 and value.isprintable() and " " not in value:
        return value
    return identifier(value, field)


def _device(value: Any) -> Any:
    number = DEVICES.get(value) or DEVICES.get(str(value).strip().lower())
    if number is None:
        raise RowRefused("device", "device_unknown", f"{str(value)[:40]!r} is none of {', '.join(DEVICES)}")
    return number


def _text(value: Any, field: str, limit: int) -> str:
    text = "" if value is None else str(value).strip()
    if not text:
        raise RowRefused(field, f"{field}_missing", f"this action needs a {field}")
    if len(text) > limit or "\x00" in text:
        raise RowRefused(field, f"{field}_malformed", f"{field} may have at most {limit:,} characters and no NUL")
    return text


def _number(value: Any, field: str, low: int, high: int) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high or number != int(number):
        raise RowRefused(field, f"{field}_malformed", f"{field} must be a whole number from {low} to {high}")
    return int(number)


def _placement(fields: Mapping[str, Any]) -> common_pb2.Placement:
    return common_pb2.Placement(
        page_id=_id(fields.get("page_id"), "page_id"),
        section_id=identifier(fields.get("section_id"), "section_id"),
        row=_number(fields.get("row", 0), "row", 0, 10_000),
        column=_number(fields.get("column", 0), "column", 0, 10_000),
        device=_device(fields["device"]) if fields.get("device") else common_pb2.DEVICE_UNSPECIFIED,
    )


def _content_id(fields: Mapping[str, Any]) -> str:
    text = json.dumps(dict(fields), sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
