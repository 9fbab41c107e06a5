"""Subjects, events by month with their ledger, recent events, deletions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "user_profile"
MOMENT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Make the schema's first tables."""
    _subjects()
    _events()
    op.create_table(
        "event_ledger",
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("payload_hash", sa.LargeBinary, nullable=False),
        schema=SCHEMA,
        comment="Every recorded event id with its content's hash: idempotency over all partitions of events.",
    )
    op.create_table(
        "recent_events",
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.LargeBinary, primary_key=True),
        sa.Column("occurred_at", MOMENT, primary_key=True),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("action", sa.SmallInteger, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("query", sa.Text),
        schema=SCHEMA,
        comment=(
            "What profiles are made of: each subject's newest events but impressions. "
            "One index scan, however old the shop."
        ),
    )
    op.create_table(
        "deletions",
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("receipt_id", sa.Text, nullable=False),
        sa.Column("pseudonyms", ARRAY(sa.LargeBinary), nullable=False),
        sa.Column("deleted_event_count", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
        comment="Receipts, so that others can erase what they hold; ids grow in order of commit within a shop.",
    )


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("shop_id", sa.Text, primary_key=True),
        sa.Column("pseudonym", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.SmallInteger, nullable=False, comment="1 user, 2 session"),
        sa.Column("profile_version", sa.BigInteger, nullable=False, server_default="0", comment="events ever recorded"),
        sa.Column("recent_count", sa.Integer, nullable=False, server_default="0", comment="its rows in recent_events"),
        sa.Column("joined_user", sa.LargeBinary, comment="of a session: the user its first events joined"),
        sa.Column("first_at", MOMENT),
        sa.Column("last_at", MOMENT),
        sa.Column("last_impression_at", MOMENT),
        sa.Column("personalisation_granted", sa.Boolean, comment="null while the default is in force"),
        sa.Column("personalisation_decided_at", MOMENT),
        sa.Column("analytics_granted", sa.Boolean),
        sa.Column("analytics_decided_at", MOMENT),
        sa.Column("marketing_granted", sa.Boolean),
        sa.Column("marketing_decided_at", MOMENT),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
        postgresql_with={"fillfactor": "70"},
        comment="Whom events are counted for, under pseudonyms, with consent and the profile's version.",
    )
    op.create_index(
        "subjects_joined_user",
        "subjects",
        ["shop_id", "joined_user"],
        schema=SCHEMA,
        postgresql_where=sa.text("joined_user IS NOT NULL"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False, server_default=sa.text("now()")),
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
        schema=SCHEMA,
        postgresql_partition_by="RANGE (occurred_at)",
        comment="Every event, one partition a month (made when the first event of the month arrives).",
    )
    op.create_index("events_subject", "events", ["shop_id", "subject", "occurred_at"], schema=SCHEMA)
    op.create_index("events_time", "events", ["shop_id", "occurred_at"], schema=SCHEMA)
