"""Events as the columns that say the same; written from the contract, one row after the other."""

from collections.abc import Iterable

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
