"""Bulk statements: a batch of items is one round trip a table, whatever its size.

Rows travel as one JSON document that PostgreSQL takes apart by the table's own column types: a statement with a
parameter a column and a row costs ten times as much on both sides.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.item_vision.item import CatalogueItem
from services.item_vision.sql.rows import row_of
from services.item_vision.tables import feature_jobs, items

TEXTS = sa.ARRAY(sa.Text)
THIS_TRANSACTION = sa.text("pg_current_xact_id()")
ITEMS_BETWEEN_PAUSES: Final = 50


def upsert_from_json(table: sa.Table, fixed: dict[str, str]) -> sa.TextClause:
    """Insert or replace the rows of the JSON array `:rows`; `fixed` columns take an SQL expression instead."""
    given = [column.name for column in table.columns if column.name not in fixed]
    keys = [column.name for column in table.primary_key]
    replaced = [f"{name} = excluded.{name}" for name in given if name not in keys]
    replaced += [f"{name} = {expression}" for name, expression in fixed.items()]
    return sa.text(
        f"INSERT INTO {table.fullname} ({', '.join([*given, *fixed])}) "
        f"SELECT {', '.join([*given, *fixed.values()])} "
        f"FROM json_populate_recordset(NULL::{table.fullname}, CAST(:rows AS json)) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(replaced)}"
    ).bindparams(sa.bindparam("rows", type_=sa.Text))


def rows_json(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as `upsert_from_json` takes them."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


_WRITE_ITEMS: Final = upsert_from_json(
    items, {"changed_xid": "pg_current_xact_id()", "deleted": "false", "retired": "false"}
)

# Only what the next state is compared with: titles and descriptions are most of a row.
_EARLIER: Final = (
    sa.select(
        items.c.item_id,
        items.c.images,
        items.c.near_duplicate_cluster,
        sa.func.coalesce(items.c.stock > 0, sa.true()).label("in_stock"),
        items.c.restocked_at,
        items.c.currency,
        items.c.price_minor,
        items.c.price_dropped_at,
        items.c.previous_price_minor,
        items.c.content_hash,
        items.c.feature_hash,
        items.c.deleted,
        items.c.retired,
    )
    .where(
        items.c.shop_id == sa.bindparam("shop_id"), items.c.item_id == sa.any_(sa.bindparam("item_ids", type_=TEXTS))
    )
    .order_by(items.c.item_id)
    .with_for_update()
)


async def earlier_states(connection: AsyncConnection, shop_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
    """What is stored of the items, locked for this transaction in the order in which every writer locks."""
    rows = await connection.execute(_EARLIER, {"shop_id": shop_id, "item_ids": list(item_ids)})
    return {row.item_id: row for row in rows}


async def write_items(connection: AsyncConnection, shop_id: str, changed: Sequence[CatalogueItem]) -> None:
    """Create or replace items."""
    if not changed:
        return
    parts: list[str] = []
    for start in range(0, len(changed), ITEMS_BETWEEN_PAUSES):
        parts.append(rows_json([row_of(shop_id, item) for item in changed[start : start + ITEMS_BETWEEN_PAUSES]])[1:-1])
        await asyncio.sleep(0)  # pages are answered meanwhile
    await connection.execute(_WRITE_ITEMS, {"rows": f"[{','.join(parts)}]"})


async def queue_features(connection: AsyncConnection, shop_id: str, stale: Sequence[CatalogueItem]) -> None:
    """Have features computed, anew for items that failed before."""
    if not stale:
        return
    item_ids = sa.literal([item.item_id for item in stale], TEXTS)
    pictured = sa.literal([bool(item.images) for item in stale], sa.ARRAY(sa.Boolean))
    given: Any = sa.func.unnest(item_ids, pictured).table_valued("item_id", "pictured").render_derived(name="given")
    query = sa.select(sa.literal(shop_id), given.c.item_id, given.c.pictured)
    statement = insert(feature_jobs).from_select(["shop_id", "item_id", "pictured"], query)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[feature_jobs.c.shop_id, feature_jobs.c.item_id],
            set_={"attempts": 0, "failure": None, "not_before": sa.func.now(), "pictured": statement.excluded.pictured},
        )
    )
