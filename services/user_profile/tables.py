"""The schema `user_profile`. The migrations make it; a test holds the two against each other."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

SCHEMA: Final = "user_profile"

metadata = sa.MetaData(schema=SCHEMA)

_MOMENT = TIMESTAMP(timezone=True)


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, _MOMENT, nullable=nullable)


subjects = sa.Table(
    "subjects",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("pseudonym", sa.LargeBinary, primary_key=True),
    sa.Column("kind", sa.SmallInteger, nullable=False, comment="1 user, 2 session"),
    sa.Column("profile_version", sa.BigInteger, nullable=False, server_default="0", comment="events ever recorded"),
    sa.Column("recent_count", sa.Integer, nullable=False, server_default="0", comment="its rows in recent_events"),
    sa.Column("joined_user", sa.LargeBinary, comment="of a session: the user its first events joined"),
    _moment("first_at"),
    _moment("last_at"),
    _moment("last_impression_at"),
    sa.Column("personalisation_granted", sa.Boolean, comment="null while the default is in force"),
    _moment("personalisation_decided_at"),
    sa.Column("analytics_granted", sa.Boolean),
    _moment("analytics_decided_at"),
    sa.Column("marketing_granted", sa.Boolean),
    _moment("marketing_decided_at"),
    sa.Column("updated_at", _MOMENT, nullable=False, server_default=sa.text("now()")),
    # Nearly every batch updates its subjects: room on the page keeps those updates out of the indexes.
    postgresql_with={"fillfactor": "70"},
    comment="Whom events are counted for, under pseudonyms, with consent and the profile's version.",
)
sa.Index(
    "subjects_joined_user",
    subjects.c.shop_id,
    subjects.c.joined_user,
    postgresql_where=subjects.c.joined_user.is_not(None),
)

event_ledger = sa.Table(
    "event_ledger",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("payload_hash", sa.LargeBinary, nullable=False),
    comment="Every recorded event id with its content's hash: idempotency over all partitions of events.",
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("shop_id", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("occurred_at", _MOMENT, nullable=False),
    sa.Column("recorded_at", _MOMENT, nullable=False, server_default=sa.text("now()")),
    sa.Column(
        "subject", sa.LargeBinary, nullable=False, comment="pseudonym of the user, or of the session without user"
    ),
    sa.Column("session", sa.LargeBinary, comment="pseudonym of the session"),
    sa.Column("action", sa.SmallInteger, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False, server_default=""),
    sa.Column("query", sa.Text),
    sa.Column("rating", sa.SmallInteger),
    sa.Column("text", sa.Text),
    sa.Column("quantity", sa.Integer),
    sa.Column("price_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("region", sa.Text),
    sa.Column("locale", sa.Text),
    sa.Column("device", sa.SmallInteger, nullable=False),
    sa.Column("page_id", sa.Text),
    sa.Column("section_id", sa.Text),
    sa.Column("placement_row", sa.Integer),
    sa.Column("placement_column", sa.Integer),
    sa.Column("placement_device", sa.SmallInteger),
    sa.Index("events_subject", "shop_id", "subject", "occurred_at"),
    sa.Index("events_time", "shop_id", "occurred_at"),
    postgresql_partition_by="RANGE (occurred_at)",
    comment="Every event, one partition a month (made when the first event of the month arrives).",
)

recent_events = sa.Table(
    "recent_events",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.LargeBinary, primary_key=True),
    sa.Column("occurred_at", _MOMENT, primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("action", sa.SmallInteger, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("query", sa.Text),
    comment=(
        "What profiles are made of: each subject's newest events but impressions. One index scan, however old the shop."
    ),
)

deletions = sa.Table(
    "deletions",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("receipt_id", sa.Text, nullable=False),
    sa.Column("pseudonyms", ARRAY(sa.LargeBinary), nullable=False),
    sa.Column("deleted_event_count", sa.BigInteger, nullable=False),
    sa.Column("deleted_at", _MOMENT, nullable=False, server_default=sa.text("now()")),
    comment="Receipts, so that others can erase what they hold; ids grow in order of commit within a shop.",
)
