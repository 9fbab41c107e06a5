"""What merchandisers decided: kept as the contract's JSON, one version a shop that grows with every change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import reading, transaction
from services.page_composer.tables import campaign, campaign_cost, experiment, rule, rules_version, template

KINDS: Mapping[str, Table] = {"rule": rule, "campaign": campaign, "template": template, "experiment": experiment}

# Put together once: every process asks these twice a second.
_VERSIONS = select(rules_version.c.shop_id, rules_version.c.version)
_COSTS = select(campaign_cost.c.shop_id, campaign_cost.c.campaign_id, campaign_cost.c.cost_minor)


@dataclass(frozen=True)
class Decisions:
    """Everything decided for a shop, as stored."""

    version: int = 0
    content: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By kind, each by id."""


class DecisionStore:
    """Rules, campaigns, templates and experiments. Every method raises DependencyDown when PostgreSQL cannot be
    asked.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, kind: str, shop_id: str, decision_id: str, content: dict[str, Any]) -> int:
        """Create or replace a decision; returns the version of the shop's decisions after it."""
        table = KINDS[kind]
        row = {"shop_id": shop_id, f"{kind}_id": decision_id, "content": content, "changed_at": datetime.now(UTC)}
        statement = insert(table).values(row)
        statement = statement.on_conflict_do_update(
            index_elements=["shop_id", f"{kind}_id"],
            set_={"content": statement.excluded.content, "changed_at": statement.excluded.changed_at},
        )
        async with transaction(self._engine) as connection:
            # The version's row is taken first, so that a reader who sees a version sees all that belongs to it.
            version = await self._next_version(connection, shop_id)
            await connection.execute(statement)
        return version

    async def delete(self, kind: str, shop_id: str, decision_id: str) -> int | None:
        """Delete a decision; returns the version after it, None when there is no such decision."""
        table = KINDS[kind]
        statement = delete(table).where(table.c.shop_id == shop_id, table.c[f"{kind}_id"] == decision_id)
        async with transaction(self._engine) as connection:
            deleted = await connection.execute(statement)
            return await self._next_version(connection, shop_id) if deleted.rowcount else None

    async def list_all(self, kind: str, shop_id: str) -> list[dict[str, Any]]:
        """All decisions of a kind, by id."""
        async with transaction(self._engine) as connection:
            return await self._contents(connection, kind, shop_id)

    async def load(self, shop_id: str) -> Decisions:
        """Everything decided for a shop, in one consistent state."""
        async with transaction(self._engine) as connection:
            await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found = await connection.scalar(select(rules_version.c.version).where(rules_version.c.shop_id == shop_id))
            content = {kind: await self._contents(connection, kind, shop_id) for kind in KINDS}
        return Decisions(int(found or 0), content)

    async def versions(self) -> dict[str, int]:
        """The version of every shop that ever decided anything."""
        async with reading(self._engine) as connection:
            return {row[0]: row[1] for row in await connection.execute(_VERSIONS)}

    async def costs(self) -> dict[str, dict[str, float]]:
        """By shop and campaign: what it has cost so far."""
        costs: dict[str, dict[str, float]] = {}
        async with reading(self._engine) as connection:
            for shop_id, campaign_id, cost in await connection.execute(_COSTS):
                costs.setdefault(shop_id, {})[campaign_id] = cost
        return costs

    async def _contents(self, connection: AsyncConnection, kind: str, shop_id: str) -> list[dict[str, Any]]:
        table = KINDS[kind]
        statement = select(table.c.content).where(table.c.shop_id == shop_id)
        rows = await connection.scalars(statement.order_by(func.convert_to(table.c[f"{kind}_id"], "UTF8")))
        return [dict(content) for content in rows]

    async def _next_version(self, connection: AsyncConnection, shop_id: str) -> int:
        statement = insert(rules_version).values(shop_id=shop_id, version=1)
        statement = statement.on_conflict_do_update(
            index_elements=["shop_id"], set_={"version": rules_version.c.version + 1}
        )
        version = await connection.scalar(statement.returning(rules_version.c.version))
        return int(version or 0)
