"""The tables of the schema `page_composer`. What each is for stands in its comment; made by `migrations/`."""

from sqlalchemy import BigInteger, Column, Float, LargeBinary, MetaData, SmallInteger, String, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

SCHEMA = "page_composer"

metadata = MetaData(schema=SCHEMA)

_MOMENT = TIMESTAMP(timezone=True)


def _decision(name: str, id_column: str) -> Table:
    return Table(
        name,
        metadata,
        Column("shop_id", String, primary_key=True),
        Column(id_column, String, primary_key=True),
        Column("content", JSONB, nullable=False),
        Column("changed_at", _MOMENT, nullable=False),
    )


rule = _decision("rule", "rule_id")
campaign = _decision("campaign", "campaign_id")
template = _decision("template", "template_id")
experiment = _decision("experiment", "experiment_id")

rules_version = Table(
    "rules_version",
    metadata,
    Column("shop_id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

campaign_cost = Table(
    "campaign_cost",
    metadata,
    Column("shop_id", String, primary_key=True),
    Column("campaign_id", String, primary_key=True),
    Column("cost_minor", Float, nullable=False),
)

campaign_view = Table(
    "campaign_view",
    metadata,
    Column("shop_id", String, nullable=False),
    Column("pseudonym", LargeBinary, nullable=False),
    Column("campaign_id", String, nullable=False),
    Column("viewed_at", _MOMENT, nullable=False),
)

page_ledger = Table(
    "page_ledger",
    metadata,
    Column("shop_id", String, primary_key=True),
    Column("page_id", String, primary_key=True),
    Column("composed_at", _MOMENT, nullable=False),
)

page = Table(
    "page",
    metadata,
    Column("shop_id", String, nullable=False),
    Column("page_id", String, nullable=False),
    Column("composed_at", _MOMENT, nullable=False),
    Column("pseudonym", LargeBinary),
    Column("device", SmallInteger, nullable=False),
    Column("locale", String, nullable=False),
    Column("region", String, nullable=False),
    Column("template_id", String, nullable=False),
    Column("release_id", String, nullable=False),
    Column("item_cursor", String, nullable=False),
    Column("rules_version", BigInteger, nullable=False),
    Column("profile_version", BigInteger, nullable=False),
    Column("model_version", BigInteger, nullable=False),
    Column("posterior_version", BigInteger, nullable=False),
    Column("weights_version", String, nullable=False),
    Column("arms", ARRAY(String), nullable=False),
    Column("degraded", ARRAY(String), nullable=False),
    Column("section_ids", ARRAY(String), nullable=False),
    Column("shelves", ARRAY(String), nullable=False),
    Column("item_ids", ARRAY(String), nullable=False),
    Column("rows", ARRAY(SmallInteger), nullable=False),
    Column("columns", ARRAY(SmallInteger), nullable=False),
    Column("origins", ARRAY(SmallInteger), nullable=False),
    Column("propensities", ARRAY(Float), nullable=False),
    Column("p_click_if_seen", ARRAY(Float), nullable=False),
    Column("p_purchase_if_seen", ARRAY(Float), nullable=False),
)

refusal = Table(
    "refusal",
    metadata,
    Column("shop_id", String, primary_key=True),
    Column("pseudonym", LargeBinary, primary_key=True),
    Column("refused_at", _MOMENT, nullable=False),
)

deletion_cursor = Table(
    "deletion_cursor",
    metadata,
    Column("shop_id", String, primary_key=True),
    Column("cursor", String, nullable=False),
)
