"""Items, pictures, features, feature jobs."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE items (
    shop_id text NOT NULL,
    item_id text NOT NULL,
    family_id text NOT NULL,
    titles jsonb NOT NULL,
    descriptions jsonb NOT NULL,
    attributes jsonb NOT NULL,
    vectors jsonb NOT NULL,
    price_minor bigint NOT NULL,
    list_price_minor bigint,
    currency text NOT NULL,
    margin_ratio double precision,
    brand text NOT NULL,
    category text NOT NULL,
    seller text NOT NULL,
    stock bigint,
    regions text[] NOT NULL,
    minimum_age integer NOT NULL,
    link text NOT NULL,
    images text[] NOT NULL,
    content_hash bytea NOT NULL,
    feature_hash bytea NOT NULL,
    near_duplicate_cluster bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    restocked_at timestamptz,
    price_dropped_at timestamptz,
    previous_price_minor bigint,
    deleted boolean NOT NULL DEFAULT false,
    changed_xid xid8 NOT NULL,
    PRIMARY KEY (shop_id, item_id)
);
CREATE INDEX items_changed ON items (shop_id, changed_xid, item_id);
CREATE TABLE pictures (
    shop_id text NOT NULL,
    sha256 text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (shop_id, sha256)
);
CREATE TABLE features (
    shop_id text NOT NULL,
    item_id text NOT NULL,
    feature_hash bytea NOT NULL,
    image bytea,
    image_hash bigint NOT NULL,
    text bytea NOT NULL,
    image_backbone text NOT NULL,
    text_encoder text NOT NULL,
    changed_xid xid8 NOT NULL,
    PRIMARY KEY (shop_id, item_id)
);
CREATE INDEX features_changed ON features (shop_id, changed_xid, item_id);
CREATE INDEX features_image_hash ON features (shop_id, image_hash);
CREATE TABLE feature_jobs (
    shop_id text NOT NULL,
    item_id text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    failure text,
    PRIMARY KEY (shop_id, item_id)
);
CREATE INDEX feature_jobs_waiting ON feature_jobs (not_before) WHERE failure IS NULL;
COMMENT ON TABLE items IS 'The catalogue. Deleted items stay as tombstones, so that watchers are told.';
COMMENT ON TABLE pictures IS 'Pictures as the shop brought them, each once.';
COMMENT ON TABLE features IS 'Raw features, before any release''s heads.';
COMMENT ON TABLE feature_jobs IS 'Items whose features are to be computed; a worker takes them with SKIP LOCKED.';
COMMENT ON COLUMN feature_jobs.failure IS 'reason and message when it was given up; null while it waits';
COMMENT ON COLUMN features.feature_hash IS 'items.feature_hash that they were computed from';
COMMENT ON COLUMN features.image IS 'little-endian float16 [image_width]; null without a picture';
COMMENT ON COLUMN features.image_hash IS 'perceptual hash, its 64 bits as a signed number';
COMMENT ON COLUMN features.text IS 'little-endian float16 [text_width]';
COMMENT ON COLUMN items.titles IS 'title by language';
COMMENT ON COLUMN items.vectors IS 'the shop''s own modality vectors';
COMMENT ON COLUMN items.stock IS 'null: not tracked';
COMMENT ON COLUMN items.regions IS 'empty: everywhere';
COMMENT ON COLUMN items.images IS 'sha256 of each picture, the main one first';
COMMENT ON COLUMN items.content_hash IS 'of what the shop sent';
COMMENT ON COLUMN items.feature_hash IS 'of what features are computed from';
COMMENT ON COLUMN items.changed_xid IS 'the transaction that changed it last: what watches follow'
"""


def upgrade() -> None:
    """Make the schema's first tables."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
