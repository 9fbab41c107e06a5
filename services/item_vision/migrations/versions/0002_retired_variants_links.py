"""Retired items, variants and links; feature jobs found without looking at those that wait."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE items ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE items ADD COLUMN variant_ids text[] NOT NULL DEFAULT '{}';
CREATE INDEX items_variants ON items USING gin (variant_ids) WHERE variant_ids <> '{}'::text[];
CREATE TABLE links (
    shop_id text NOT NULL,
    item_id text NOT NULL,
    kinds smallint[] NOT NULL,
    linked_item_ids text[] NOT NULL,
    PRIMARY KEY (shop_id, item_id)
);
ALTER TABLE feature_jobs ADD COLUMN pictured boolean NOT NULL DEFAULT true;
DROP INDEX feature_jobs_waiting;
CREATE INDEX feature_jobs_waiting ON feature_jobs (pictured, not_before) WHERE failure IS NULL AND attempts = 0;
CREATE INDEX feature_jobs_tried ON feature_jobs (not_before) WHERE failure IS NULL AND attempts > 0;
COMMENT ON TABLE links IS 'What the shop says goes with an item; no row for an item without links.';
COMMENT ON COLUMN links.item_id IS 'it need not exist';
COMMENT ON COLUMN links.kinds IS 'LinkKind of each link';
COMMENT ON COLUMN links.linked_item_ids IS 'targets in the shop''s order; none need exist';
COMMENT ON COLUMN items.retired IS 'the shop''s catalogue no longer names it; features and history stay';
COMMENT ON COLUMN items.variant_ids IS 'ids by which events name variants of it';
COMMENT ON COLUMN feature_jobs.pictured IS 'whether the CNN has work to do'
"""


def upgrade() -> None:
    """Make the columns, the table and the indexes."""
    for statement in CHANGES.split(";\n"):
        op.execute(statement)
