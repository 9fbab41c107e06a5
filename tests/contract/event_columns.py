"""Events as the columns that say the same, and back; written from the contract, one row after the other."""

from collections.abc import Iterable

from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb


def columns_of(events: Iterable[pb.Event]) -> pb.EventColumns:
    """The columns of events whose times have whole microseconds."""
    columns = pb.EventColumns()
    for event in events:
        columns.event_ids.append(event.event_id)
        columns.actions.append(event.action)
        at_us = event.occurred_at.seconds * 1_000_000 + event.occurred_at.nanos // 1_000
        columns.occurred_at_us.append(at_us if event.HasField("occurred_at") else 0)
        columns.ratings.append(event.rating)
        columns.quantities.append(event.quantity)
        columns.price_amounts_minor.append(event.price.amount_minor)
        columns.devices.append(event.device)
        columns.placement_rows.append(event.placement.row)
        columns.placement_columns.append(event.placement.column)
        columns.placement_devices.append(event.placement.device)
        for name, text in (
            ("user_ids", event.user_id),
            ("session_ids", event.session_id),
            ("item_ids", event.item_id),
            ("queries", event.query),
            ("texts", event.text),
            ("price_currencies", event.price.currency),
            ("channels", event.channel),
            ("regions", event.region),
            ("locales", event.locale),
            ("tracking_tokens", event.tracking_token),
            ("placement_page_ids", event.placement.page_id),
            ("placement_section_ids", event.placement.section_id),
        ):
            column = getattr(columns, name)
            if text not in column.values:
                column.values.append(text)
            column.indexes.append(list(column.values).index(text))
    return columns


def rows_of(columns: pb.EventColumns) -> list[pb.Event]:
    """The events of columns that fit together."""
    events = []
    for row, event_id in enumerate(columns.event_ids):
        event = pb.Event(
            event_id=event_id,
            action=_number(columns.actions, row),
            user_id=_text(columns.user_ids, row),
            session_id=_text(columns.session_ids, row),
            item_id=_text(columns.item_ids, row),
            query=_text(columns.queries, row),
            rating=_number(columns.ratings, row) or None,
            text=_text(columns.texts, row),
            quantity=_number(columns.quantities, row),
            channel=_text(columns.channels, row),
            region=_text(columns.regions, row),
            locale=_text(columns.locales, row),
            device=_number(columns.devices, row),
            tracking_token=_text(columns.tracking_tokens, row),
        )
        at_us = _number(columns.occurred_at_us, row)
        event.occurred_at.seconds, event.occurred_at.nanos = at_us // 1_000_000, at_us % 1_000_000 * 1_000
        amount, currency = _number(columns.price_amounts_minor, row), _text(columns.price_currencies, row)
        if amount or currency:
            event.price.amount_minor, event.price.currency = amount, currency
        place = common_pb2.Placement(
            page_id=_text(columns.placement_page_ids, row),
            section_id=_text(columns.placement_section_ids, row),
            row=_number(columns.placement_rows, row),
            column=_number(columns.placement_columns, row),
            device=_number(columns.placement_devices, row),
        )
        if place != common_pb2.Placement():
            event.placement.CopyFrom(place)
        events.append(event)
    return events


def _number(column, row: int) -> int:
    return column[row if len(column) > 1 else 0] if column else 0


def _text(column: pb.TextColumn, row: int) -> str:
    return column.values[_number(column.indexes, row)] if column.indexes else ""
