"""Events packed into the columns of the contract, and what is said about each but its id."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from vitrine.user_profile.v1 import user_profile_pb2 as pb


def microseconds(event: pb.Event) -> int:
    """Return when an event happened, in microseconds since 1970."""
    return event.occurred_at.seconds * 1_000_000 + event.occurred_at.nanos // 1_000


NUMBERS: Final[dict[str, Callable[[pb.Event], int]]] = {
    "actions": lambda event: event.action,
    "occurred_at_us": microseconds,
    "ratings": lambda event: event.rating,
    "quantities": lambda event: event.quantity,
    "price_amounts_minor": lambda event: event.price.amount_minor,
    "devices": lambda event: event.device,
    "placement_rows": lambda event: event.placement.row,
    "placement_columns": lambda event: event.placement.column,
    "placement_devices": lambda event: event.placement.device,
}
"""The contract's columns of numbers, and what an event has in them."""

TEXTS: Final[dict[str, Callable[[pb.Event], str]]] = {
    "user_ids": lambda event: event.user_id,
    "session_ids": lambda event: event.session_id,
    "item_ids": lambda event: event.item_id,
    "queries": lambda event: event.query,
    "texts": lambda event: event.text,
    "price_currencies": lambda event: event.price.currency,
    "channels": lambda event: event.channel,
    "regions": lambda event: event.region,
    "locales": lambda event: event.locale,
    "tracking_tokens": lambda event: event.tracking_token,
    "placement_page_ids": lambda event: event.placement.page_id,
    "placement_section_ids": lambda event: event.placement.section_id,
}
"""The contract's columns of texts, and what an event has in them."""


def pack(events: Sequence[pb.Event]) -> pb.EventColumns:
    """Pack events with whole microseconds, at most as many as a message may hold."""
    columns: dict[str, Any] = {"event_ids": [event.event_id for event in events]}
    for name, number in NUMBERS.items():
        columns[name] = number_column([number(event) for event in events])
    for name, text in TEXTS.items():
        places: dict[str, int] = {}
        indexes = [places.setdefault(text(event), len(places)) for event in events]
        columns[name] = text_column(list(places), indexes)
    return pb.EventColumns(**columns)


def part_of(columns: pb.EventColumns, start: int, stop: int) -> pb.EventColumns:
    """Return the events from `start` up to `stop` of packed ones, packed alike."""
    part: dict[str, Any] = {"event_ids": columns.event_ids[start:stop]}
    for name in NUMBERS:
        numbers = getattr(columns, name)
        part[name] = number_column(numbers[start:stop]) if len(numbers) > 1 else numbers
    for name in TEXTS:
        texts = getattr(columns, name)
        if len(texts.indexes) > 1:
            places: dict[int, int] = {}
            indexes = [places.setdefault(place, len(places)) for place in texts.indexes[start:stop]]
            part[name] = text_column([texts.values[place] for place in places], indexes)
        elif texts.values:
            part[name] = texts
    return pb.EventColumns(**part)


def number_column(numbers: Sequence[int]) -> Sequence[int]:
    """Return a column of numbers, as short as the contract allows."""
    if numbers and numbers.count(numbers[0]) == len(numbers):
        return numbers[:1] if numbers[0] else ()
    return numbers


def text_column(values: Sequence[str], indexes: Sequence[int]) -> pb.TextColumn | None:
    """Return a column of texts, as short as the contract allows; None when no row has a text."""
    if len(values) <= 1:
        return pb.TextColumn(values=values, indexes=(0,)) if values and values[0] else None
    return pb.TextColumn(values=values, indexes=indexes)


def content_of(event: pb.Event) -> str:
    """Return what an event says, all but its id."""
    rest = common_content(
        event.quantity, event.price.amount_minor, event.price.currency, event.channel, event.region, event.locale,
        event.tracking_token, event.device,
    )  # fmt: skip
    if event.query or event.text or event.rating or event.HasField("placement"):
        place = event.placement
        further = (event.query, event.rating, event.text, place.page_id, place.section_id, place.row, place.column)
        rest = "\x1f".join((rest, *map(str, further)))
    own = (event.action, microseconds(event), event.user_id, event.session_id, event.item_id, rest)
    return next(iter(contents([own])))


def contents(own: Iterable[tuple[int, int, str, str, str, str]]) -> list[str]:
    """Return what events say: action, time in microseconds, user, session, item and `common_content` of each."""
    return [
        f"{action}\x1f{at_us}\x1f{user}\x1f{session}\x1f{item}\x1f{rest}"
        for action, at_us, user, session, item, rest in own
    ]


def common_content(*said: Any) -> str:
    """Return what many events have in common: quantity, price, currency, channel, region, locale, token, device."""
    return "\x1f".join(map(str, said))
