"""Retiring what a shop's catalogue no longer names: ids are gathered in a temporary table, the rest goes at once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.reconciliation import check_losses
from services.item_vision.tables import items
from services.kit.database import translated_database_errors

_NAME = sa.text("INSERT INTO named SELECT unnest(CAST(:item_ids AS text[])) ON CONFLICT DO NOTHING").bindparams(
    sa.bindparam("item_ids", type_=sa.ARRAY(sa.Text))
)
_LOST = "i.shop_id = :shop_id AND NOT i.deleted AND NOT i.retired"
_COUNT = sa.text(
    "SELECT count(*) AS present, count(*) FILTER (WHERE named.item_id IS NULL) AS lost "
    f"FROM {items.fullname} i LEFT JOIN named USING (item_id) WHERE {_LOST}"
)
# Locked in the order in which every writer locks.
_RETIRE = sa.text(
    f"WITH gone AS MATERIALIZED (SELECT i.item_id FROM {items.fullname} i WHERE {_LOST} "
    "AND NOT EXISTS (SELECT 1 FROM named WHERE named.item_id = i.item_id) ORDER BY i.item_id FOR UPDATE) "
    f"UPDATE {items.fullname} i SET retired = true, changed_xid = pg_current_xact_id() FROM gone "
    "WHERE i.shop_id = :shop_id AND i.item_id = gone.item_id"
)


@dataclass(frozen=True)
class Reconciled:
    """What a reconciliation came to."""

    retired: int
    present: int
    """Items that are there afterwards."""


class Reconciliation:
    """One reconciliation under way."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def name(self, item_ids: Sequence[str]) -> None:
        """Remember items that stay. No transaction stays open: a watch would wait for it."""
        if item_ids:
            async with self._connection.begin():
                await self._connection.execute(_NAME, {"item_ids": list(item_ids)})

    async def retire(self, shop_id: str, *, allow_losses: bool) -> Reconciled:
        """Retire every item that was not named. Raises: NotReady when that is implausibly many and not allowed."""
        async with self._connection.begin():
            for statement in ("SET LOCAL statement_timeout = '120s'", "ANALYZE named"):
                await self._connection.execute(sa.text(statement))
            counts = (await self._connection.execute(_COUNT, {"shop_id": shop_id})).one()
            if not allow_losses:
                check_losses(counts.lost, counts.present)
            retired = (await self._connection.execute(_RETIRE, {"shop_id": shop_id})).rowcount if counts.lost else 0
        return Reconciled(retired, counts.present - retired)


@asynccontextmanager
async def reconciliation(engine: AsyncEngine) -> AsyncIterator[Reconciliation]:
    """A reconciliation on a connection of its own, which is closed afterwards and takes the gathered ids with it.

    Raises: DependencyDown when PostgreSQL cannot be asked.
    """
    with translated_database_errors():
        async with engine.connect() as connection:
            try:
                async with connection.begin():
                    await connection.execute(sa.text("CREATE TEMPORARY TABLE named (item_id text PRIMARY KEY)"))
                yield Reconciliation(connection)
            finally:
                await connection.invalidate()
