"""The schema `item_vision`. The migrations make it; a test holds the two against each other."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.types import UserDefinedType

SCHEMA: Final = "item_vision"

metadata = sa.MetaData(schema=SCHEMA)

MOMENT = TIMESTAMP(timezone=True)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in SQL."""
        return "xid8"


items = sa.Table(
    "items",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("family_id", sa.Text, nullable=False),
    sa.Column("titles", JSONB, nullable=False, comment="title by language"),
    sa.Column("descriptions", JSONB, nullable=False),
    sa.Column("attributes", JSONB, nullable=False),
    sa.Column("vectors", JSONB, nullable=False, comment="the shop's own modality vectors"),
    sa.Column("price_minor", sa.BigInteger, nullable=False),
    sa.Column("list_price_minor", sa.BigInteger),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("margin_ratio", sa.Float),
    sa.Column("brand", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("seller", sa.Text, nullable=False),
    sa.Column("stock", sa.BigInteger, comment="null: not tracked"),
    sa.Column("regions", ARRAY(sa.Text), nullable=False, comment="empty: everywhere"),
    sa.Column("minimum_age", sa.Integer, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("images", ARRAY(sa.Text), nullable=False, comment="sha256 of each picture, the main one first"),
    sa.Column("content_hash", sa.LargeBinary, nullable=False, comment="of what the shop sent"),
    sa.Column("feature_hash", sa.LargeBinary, nullable=False, comment="of what features are computed from"),
    sa.Column("near_duplicate_cluster", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("restocked_at", MOMENT),
    sa.Column("price_dropped_at", MOMENT),
    sa.Column("previous_price_minor", sa.BigInteger),
    sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("changed_xid", Xid8, nullable=False, comment="the transaction that changed it last: what watches follow"),
    sa.Column(
        "retired",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="the shop's catalogue no longer names it; features and history stay",
    ),
    sa.Column(
        "variant_ids",
        ARRAY(sa.Text),
        nullable=False,
        server_default="{}",
        comment="ids by which events name variants of it",
    ),
    comment="The catalogue. Deleted items stay as tombstones, so that watchers are told.",
)
sa.Index("items_changed", items.c.shop_id, items.c.changed_xid, items.c.item_id)
sa.Index(
    "items_variants",
    items.c.variant_ids,
    postgresql_using="gin",
    postgresql_where=sa.text("variant_ids <> '{}'::text[]"),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True, comment="it need not exist"),
    sa.Column("kinds", ARRAY(sa.SmallInteger), nullable=False, comment="LinkKind of each link"),
    sa.Column(
        "linked_item_ids", ARRAY(sa.Text), nullable=False, comment="targets in the shop's order; none need exist"
    ),
    comment="What the shop says goes with an item; no row for an item without links.",
)

pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    comment="Pictures as the shop brought them, each once.",
)

features = sa.Table(
    "features",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column(
        "feature_hash", sa.LargeBinary, nullable=False, comment="items.feature_hash that they were computed from"
    ),
    sa.Column("image", sa.LargeBinary, comment="little-endian float16 [image_width]; null without a picture"),
    sa.Column("image_hash", sa.BigInteger, nullable=False, comment="perceptual hash, its 64 bits as a signed number"),
    sa.Column("text", sa.LargeBinary, nullable=False, comment="little-endian float16 [text_width]"),
    sa.Column("image_backbone", sa.Text, nullable=False),
    sa.Column("text_encoder", sa.Text, nullable=False),
    sa.Column("changed_xid", Xid8, nullable=False),
    comment="Raw features, before any release's heads.",
)
sa.Index("features_changed", features.c.shop_id, features.c.changed_xid, features.c.item_id)
sa.Index("features_image_hash", features.c.shop_id, features.c.image_hash)

feature_jobs = sa.Table(
    "feature_jobs",
    metadata,
    sa.Column("shop_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", MOMENT, nullable=False, server_default=sa.text("now()")),
    sa.Column(
        "pictured", sa.Boolean, nullable=False, server_default=sa.true(), comment="whether the CNN has work to do"
    ),
    sa.Column("failure", sa.Text, comment="reason and message when it was given up; null while it waits"),
    comment="Items whose features are to be computed; a worker takes them with SKIP LOCKED.",
)
sa.Index(
    "feature_jobs_waiting",
    feature_jobs.c.pictured,
    feature_jobs.c.not_before,
    postgresql_where=sa.text("failure IS NULL AND attempts = 0"),
)
sa.Index("feature_jobs_tried", feature_jobs.c.not_before, postgresql_where=sa.text("failure IS NULL AND attempts > 0"))
