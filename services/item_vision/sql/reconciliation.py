"""Retiring what a shop's catalogue no longer names: ids are gathered in a file, the rest goes at once.

A client may take its time between messages, so no connection is taken before the last of them: a few slow clients would
have all of the pool.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.reconciliation import check_losses
from services.item_vision.tables import items
from services.kit.database import translated_database_errors

IDS_AT_ONCE = 10_000

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

    def __init__(self, engine: AsyncEngine, file: IO[str]) -> None:
        self._engine = engine
        self._file = file

    async def name(self, item_ids: Sequence[str]) -> None:
        """Remember items that stay."""
        self._file.writelines(f"{item_id}\n" for item_id in item_ids)

    async def retire(self, shop_id: str, *, allow_losses: bool) -> Reconciled:
        """Retire every item that was not named.

        Raises: NotReady when that is implausibly many and not allowed; DependencyDown when PostgreSQL cannot be asked.
        """
        with translated_database_errors():
            async with _connection_of_its_own(self._engine) as connection:
                await self._fill(connection)
                return await _retire(connection, shop_id, allow_losses=allow_losses)

    async def _fill(self, connection: AsyncConnection) -> None:
        """Bring the ids to the database. No transaction stays open: a watch would wait for it."""
        async with connection.begin():
            await connection.execute(sa.text("CREATE TEMPORARY TABLE named (item_id text PRIMARY KEY)"))
        self._file.seek(0)
        named = (line[:-1] for line in self._file)
        while item_ids := list(islice(named, IDS_AT_ONCE)):
            async with connection.begin():
                await connection.execute(_NAME, {"item_ids": item_ids})


@asynccontextmanager
async def reconciliation(engine: AsyncEngine) -> AsyncIterator[Reconciliation]:
    """A reconciliation, and a file for as long as it lasts."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", prefix="vitrine-named-") as file:
        yield Reconciliation(engine, file)


@asynccontextmanager
async def _connection_of_its_own(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that is closed afterwards and takes its temporary table with it."""
    async with engine.connect() as connection:
        try:
            yield connection
        finally:
            await connection.invalidate()


async def _retire(connection: AsyncConnection, shop_id: str, *, allow_losses: bool) -> Reconciled:
    async with connection.begin():
        for statement in ("SET LOCAL statement_timeout = '120s'", "ANALYZE named"):
            await connection.execute(sa.text(statement))
        counts = (await connection.execute(_COUNT, {"shop_id": shop_id})).one()
        if not allow_losses:
            check_losses(counts.lost, counts.present)
        retired = (await connection.execute(_RETIRE, {"shop_id": shop_id})).rowcount if counts.lost else 0
    return Reconciled(retired, counts.present - retired)
