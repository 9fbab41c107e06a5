"""Make the first tables: decisions, campaign counters, page log."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    *(
        f"CREATE TABLE {name} (shop_id text, {name}_id text, content jsonb NOT NULL, changed_at timestamptz NOT NULL, "
        f"PRIMARY KEY (shop_id, {name}_id))"
        for name in ("rule", "campaign", "template", "experiment")
    ),
    "CREATE TABLE rules_version (shop_id text PRIMARY KEY, version bigint NOT NULL)",
    "COMMENT ON TABLE rules_version IS 'Grows by one with every decision; replicas poll it.'",
    "CREATE TABLE campaign_cost (shop_id text, campaign_id text, cost_minor double precision NOT NULL, "
    "PRIMARY KEY (shop_id, campaign_id))",
    "COMMENT ON TABLE campaign_cost IS 'Expected cost of the coupons shown so far; held against the budget.'",
    "CREATE TABLE campaign_view (shop_id text NOT NULL, pseudonym bytea NOT NULL, campaign_id text NOT NULL, "
    "viewed_at timestamptz NOT NULL)",
    "CREATE INDEX campaign_view_of_visitor ON campaign_view (shop_id, pseudonym, viewed_at)",
    "CREATE INDEX campaign_view_age ON campaign_view (viewed_at)",
    "COMMENT ON TABLE campaign_view IS 'Who saw a campaign when, for frequency caps; kept for two days.'",
    "CREATE TABLE page_ledger (shop_id text, page_id text, composed_at timestamptz NOT NULL, "
    "PRIMARY KEY (shop_id, page_id))",
    "CREATE INDEX page_ledger_age ON page_ledger (composed_at)",
    "COMMENT ON TABLE page_ledger IS 'Each page is logged once, however often it is asked for.'",
    """
    CREATE TABLE page (
        shop_id text NOT NULL, page_id text NOT NULL, composed_at timestamptz NOT NULL, pseudonym bytea,
        device smallint NOT NULL, locale text NOT NULL, region text NOT NULL, template_id text NOT NULL,
        release_id text NOT NULL, item_cursor text NOT NULL, rules_version bigint NOT NULL,
        profile_version bigint NOT NULL, model_version bigint NOT NULL, posterior_version bigint NOT NULL,
        weights_version text NOT NULL, arms text[] NOT NULL, degraded text[] NOT NULL,
        section_ids text[] NOT NULL, shelves text[] NOT NULL, item_ids text[] NOT NULL,
        rows smallint[] NOT NULL, columns smallint[] NOT NULL, origins smallint[] NOT NULL,
        propensities double precision[] NOT NULL, p_click_if_seen double precision[] NOT NULL,
        p_purchase_if_seen double precision[] NOT NULL
    ) PARTITION BY RANGE (composed_at)
    """,
    "CREATE INDEX page_in_time ON page (shop_id, composed_at, page_id)",
    "CREATE INDEX page_of_visitor ON page (shop_id, pseudonym) WHERE pseudonym IS NOT NULL",
    "CREATE TABLE page_default PARTITION OF page DEFAULT",
    "COMMENT ON TABLE page IS 'Pages as they were answered; entry k of every array is one slot. Monthly partitions.'",
    "CREATE TABLE refusal (shop_id text, pseudonym bytea, refused_at timestamptz NOT NULL, "
    "PRIMARY KEY (shop_id, pseudonym))",
    "COMMENT ON TABLE refusal IS 'Visitors who withdrew analytics: their pages up to then are exported no more.'",
    "CREATE TABLE deletion_cursor (shop_id text PRIMARY KEY, cursor text NOT NULL)",
    "COMMENT ON TABLE deletion_cursor IS 'How far the erasures of user_profile have been followed.'",
)


def upgrade() -> None:
    """Apply."""
    for statement in STATEMENTS:
        op.execute(statement)
