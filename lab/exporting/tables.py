"""What an exported row holds: columns with their Arrow types, and how a message becomes rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from google.protobuf.timestamp_pb2 import Timestamp

from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.user_profile.v1 import user_profile_pb2

MOMENT = pa.timestamp("us", tz="UTC")
TEXTS = pa.map_(pa.string(), pa.string())
Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A kind of row."""

    columns: Mapping[str, pa.DataType]
    rows: Callable[[Any], Iterator[Row]]
    """The rows of one message: an event, a logged page, or an item's facts."""
    write_columns: Callable[[Sequence[Any]], Mapping[str, list[Any]]] | None = None
    """The columns of many messages at once, where there are millions of them; says what `rows` says."""

    @property
    def schema(self) -> pa.Schema:
        """The file's schema."""
        return pa.schema(list(self.columns.items()))


def _moment_us(moment: Timestamp) -> int | None:
    """Microseconds since 1970; None when it is not set."""
    return moment.seconds * 1_000_000 + moment.nanos // 1_000 if moment.seconds or moment.nanos else None


def _name(number: int, prefix: str, enum: Any) -> str | None:
    """An enum's name without its prefix, lower case; None when it is not said."""
    return enum.Name(number).removeprefix(prefix).lower() if number else None


def _device(number: int) -> str | None:
    return _name(number, "DEVICE_", common_pb2.Device)


def _event_rows(event: user_profile_pb2.Event) -> Iterator[Row]:
    yield {name: values[0] for name, values in _event_columns([event]).items()}


_ACTION_NAMES: Mapping[int, str | None] = {
    number: _name(number, "ACTION_", common_pb2.Action) for number in common_pb2.Action.values()
}
_DEVICE_NAMES: Mapping[int, str | None] = {number: _device(number) for number in common_pb2.Device.values()}


def _event_columns(events: Sequence[user_profile_pb2.Event]) -> Mapping[str, list[Any]]:
    """Column by column: a million events are exported in a third of the time that rows take."""
    places = [event.placement if event.HasField("placement") else None for event in events]
    prices = [event.price if event.HasField("price") else None for event in events]
    return {
        "event_id": [event.event_id for event in events],
        "action": [_ACTION_NAMES[event.action] for event in events],
        "occurred_at": [_moment_us(event.occurred_at) for event in events],
        "user_pseudonym": [event.user_id or None for event in events],
        "session_pseudonym": [event.session_id or None for event in events],
        "item_id": [event.item_id or None for event in events],
        "query": [event.query or None for event in events],
        "rating": [event.rating if event.HasField("rating") else None for event in events],
        "text": [event.text or None for event in events],
        "quantity": [event.quantity or None for event in events],
        "price_minor": [price.amount_minor if price else None for price in prices],
        "currency": [price.currency or None if price else None for price in prices],
        "channel": [event.channel or None for event in events],
        "region": [event.region or None for event in events],
        "locale": [event.locale or None for event in events],
        "device": [
            _DEVICE_NAMES[event.device or (place.device if place else 0)]
            for event, place in zip(events, places, strict=True)
        ],
        "page_id": [place.page_id or None if place else None for place in places],
        "section_id": [place.section_id or None if place else None for place in places],
        "row": [place.row if place else None for place in places],
        "column": [place.column if place else None for place in places],
    }


def _page_rows(page: page_composer_pb2.LoggedPage) -> Iterator[Row]:
    common = {
        "page_id": page.page_id,
        "composed_at": _moment_us(page.composed_at),
        "user_pseudonym": page.user_pseudonym or None,
        "device": _device(page.device),
        "locale": page.locale or None,
        "region": page.region or None,
        "template_id": page.template_id,
        "release_id": page.versions.release_id or None,
        "rules_version": page.versions.rules_version,
        "weights_version": page.versions.weights_version,
        "arms": list(page.arms),
        "degraded_dependencies": list(page.degraded_dependencies),
    }
    for slot in page.slots:
        yield {
            **common,
            "section_id": slot.placement.section_id,
            "shelf": slot.shelf,
            "row": slot.placement.row,
            "column": slot.placement.column,
            "item_id": slot.item_id,
            "origin": _name(slot.origin, "SLOT_ORIGIN_", page_composer_pb2.SlotOrigin),
            "propensity": slot.propensity,
            "p_click_if_seen": slot.p_click_if_seen,
            "p_purchase_if_seen": slot.p_purchase_if_seen,
        }


def _item_rows(item: item_vision_pb2.ItemFacts) -> Iterator[Row]:
    yield {
        "item_id": item.item_id,
        "family_id": item.family_id,
        "near_duplicate_cluster": item.near_duplicate_cluster or None,
        "titles": dict(item.titles),
        "brand": item.brand or None,
        "category": item.category or None,
        "seller": item.seller or None,
        "price_minor": item.price.amount_minor,
        "list_price_minor": item.list_price.amount_minor if item.HasField("list_price") else None,
        "currency": item.price.currency,
        "margin_ratio": item.margin_ratio if item.HasField("margin_ratio") else None,
        "stock": item.stock if item.HasField("stock") else None,
        "regions": list(item.regions),
        "minimum_age": item.minimum_age,
        "attributes": dict(item.attributes),
        "image_count": item.image_count,
        "link": item.link or None,
        "created_at": _moment_us(item.created_at),
        "restocked_at": _moment_us(item.restocked_at),
        "price_dropped_at": _moment_us(item.price_dropped_at),
    }


_PLACE = {"section_id": pa.string(), "row": pa.int32(), "column": pa.int32()}

TABLES: Mapping[str, Table] = {
    "events": Table(
        {
            "event_id": pa.string(),
            "action": pa.string(),
            "occurred_at": MOMENT,
            "user_pseudonym": pa.string(),
            "session_pseudonym": pa.string(),
            "item_id": pa.string(),
            "query": pa.string(),
            "rating": pa.int32(),
            "text": pa.string(),
            "quantity": pa.int32(),
            "price_minor": pa.int64(),
            "currency": pa.string(),
            "channel": pa.string(),
            "region": pa.string(),
            "locale": pa.string(),
            "device": pa.string(),
            "page_id": pa.string(),
            **_PLACE,
        },
        _event_rows,
        _event_columns,
    ),
    "pages": Table(
        {
            "page_id": pa.string(),
            "composed_at": MOMENT,
            "user_pseudonym": pa.string(),
            "device": pa.string(),
            "locale": pa.string(),
            "region": pa.string(),
            "template_id": pa.string(),
            "release_id": pa.string(),
            "rules_version": pa.int64(),
            "weights_version": pa.string(),
            "arms": pa.list_(pa.string()),
            "degraded_dependencies": pa.list_(pa.string()),
            **_PLACE,
            "shelf": pa.string(),
            "item_id": pa.string(),
            "origin": pa.string(),
            "propensity": pa.float32(),
            "p_click_if_seen": pa.float32(),
            "p_purchase_if_seen": pa.float32(),
        },
        _page_rows,
    ),
    "items": Table(
        {
            "item_id": pa.string(),
            "family_id": pa.string(),
            "near_duplicate_cluster": pa.int64(),
            "titles": TEXTS,
            "brand": pa.string(),
            "category": pa.string(),
            "seller": pa.string(),
            "price_minor": pa.int64(),
            "list_price_minor": pa.int64(),
            "currency": pa.string(),
            "margin_ratio": pa.float32(),
            "stock": pa.int64(),
            "regions": pa.list_(pa.string()),
            "minimum_age": pa.int32(),
            "attributes": TEXTS,
            "image_count": pa.int32(),
            "link": pa.string(),
            "created_at": MOMENT,
            "restocked_at": MOMENT,
            "price_dropped_at": MOMENT,
        },
        _item_rows,
    ),
}
"""By kind: what can be exported."""
