"""Events to rows of `events` and back."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping

from services.user_profile.events import Event, Placement
from services.user_profile.sql.moments import microseconds, moment
from services.user_profile.tables import SCHEMA

COLUMNS: Final = (
    "shop_id",
    "event_id",
    "occurred_at",
    "recorded_at",
    "subject",
    "session",
    "action",
    "item_id",
    "query",
    "rating",
    "text",
    "quantity",
    "price_minor",
    "currency",
    "channel",
    "region",
    "locale",
    "device",
    "page_id",
    "section_id",
    "placement_row",
    "placement_column",
    "placement_device",
)
"""In the order of `to_row`."""

SELECTED: Final = ", ".join(f"{SCHEMA}.events.{name}" for name in COLUMNS)
"""The columns that `from_row` reads."""

_NO_PLACEMENT: Final = (None,) * 5


def to_row(shop_id: str, event: Event, owner: bytes, recorded_at: datetime) -> tuple[Any, ...]:
    """One row; empty texts are stored as NULL, which costs nothing."""
    return (
        shop_id,
        event.event_id,
        moment(event.occurred_us),
        recorded_at,
        owner,
        event.session,
        event.action,
        event.item_id,
        event.query or None,
        event.rating,
        event.text or None,
        event.quantity,
        event.price_minor,
        event.currency or None,
        event.channel,
        event.region or None,
        event.locale or None,
        event.device,
        *(event.placement or _NO_PLACEMENT),
    )


def from_row(row: RowMapping) -> Event:
    """The event of a row. An event that joined a user carries that user: only a session's own rows have none."""
    session = row["session"]
    subject = bytes(row["subject"])
    placement = None
    if row["page_id"] is not None:
        placement = Placement(
            row["page_id"], row["section_id"], row["placement_row"], row["placement_column"], row["placement_device"]
        )
    return Event(
        event_id=row["event_id"],
        action=row["action"],
        occurred_us=microseconds(row["occurred_at"]),
        user=None if subject == session else subject,
        session=session,
        item_id=row["item_id"],
        query=row["query"] or "",
        rating=row["rating"],
        text=row["text"] or "",
        quantity=row["quantity"],
        price_minor=row["price_minor"],
        currency=row["currency"] or "",
        channel=row["channel"],
        region=row["region"] or "",
        locale=row["locale"] or "",
        device=row["device"],
        placement=placement,
    )
