"""The page log: written in batches, exported in time order, erased by pseudonym."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, not_, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import reading_by_driver, transaction
from services.page_composer.logged_page import CampaignUse, LoggedPage, page_of_row, row_of_page
from services.page_composer.tables import (
    SCHEMA,
    campaign_cost,
    campaign_view,
    deletion_cursor,
    page,
    page_ledger,
    refusal,
)

EXPORT_PAGES = 200
VIEWS_KEPT = timedelta(days=2)

_VIEWS = (
    f"SELECT campaign_id, count(*) FROM {campaign_view.fullname} "
    "WHERE shop_id = $1 AND pseudonym = $2 AND viewed_at >= $3 AND campaign_id = ANY($4::text[]) GROUP BY campaign_id"
)

# As one text: a page has a thousand numbers and names, and the driver would look at each of them three times.
_KEEP = text(
    f"INSERT INTO {page.fullname} SELECT * FROM json_populate_recordset(CAST(NULL AS {page.fullname}), "
    "CAST(:rows AS json))"
)
_FIRST_TIMES = text(
    f"INSERT INTO {page_ledger.fullname} (shop_id, page_id, composed_at) SELECT * FROM "
    "unnest(CAST(:shop_ids AS text[]), CAST(:page_ids AS text[]), CAST(:moments AS timestamptz[])) "
    "ON CONFLICT DO NOTHING RETURNING shop_id, page_id"
)
_SEEN = text(
    f"INSERT INTO {campaign_view.fullname} (shop_id, pseudonym, campaign_id, viewed_at) SELECT * FROM "
    "unnest(CAST(:shop_ids AS text[]), CAST(:pseudonyms AS bytea[]), CAST(:campaign_ids AS text[]), "
    "CAST(:moments AS timestamptz[]))"
)
_COST_MORE = text(
    f"INSERT INTO {campaign_cost.fullname} AS known (shop_id, campaign_id, cost_minor) SELECT * FROM "
    "unnest(CAST(:shop_ids AS text[]), CAST(:campaign_ids AS text[]), CAST(:costs AS float8[])) "
    "ON CONFLICT (shop_id, campaign_id) DO UPDATE SET cost_minor = known.cost_minor + excluded.cost_minor"
)


class PageStore:
    """Logged pages. Every method raises DependencyDown when PostgreSQL cannot be asked."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def write(self, pages: Sequence[LoggedPage]) -> None:
        """Write a batch. A page that is already logged is not logged again and counts no campaign again."""
        async with transaction(self._engine) as connection:
            new = await self._first_times(connection, pages)
            rows = [row_of_page(each) for each in new if each.may_be_kept]
            if rows:
                await connection.execute(_KEEP, {"rows": json.dumps(rows, allow_nan=False)})
            await self._refuse(connection, [each for each in pages if each.refused])
            await self._count(connection, [(each, use) for each in new for use in each.campaigns])

    async def export(self, shop_id: str, from_: datetime, before: datetime) -> AsyncIterator[list[LoggedPage]]:
        """Exportable pages of a time range in time order, at most 200 at a time, each read in a transaction of its
        own.
        """
        after: tuple[datetime, str] | None = None
        while True:
            async with transaction(self._engine) as connection:
                rows = (await connection.execute(_exportable(shop_id, from_, before, after))).mappings().all()
            if rows:
                yield [page_of_row({**row}) for row in rows]
            if len(rows) < EXPORT_PAGES:
                return
            after = (rows[-1]["composed_at"], rows[-1]["page_id"])

    async def erase(self, shop_id: str, pseudonyms: Sequence[bytes], cursor: str) -> None:
        """Erase everything about visitors, and note how far erasures have been followed."""
        async with transaction(self._engine) as connection:
            for table in (page, campaign_view, refusal):
                await connection.execute(
                    delete(table).where(table.c.shop_id == shop_id, table.c.pseudonym.in_(pseudonyms))
                )
            statement = insert(deletion_cursor).values(shop_id=shop_id, cursor=cursor)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["shop_id"], set_={"cursor": cursor})
            )

    async def erased_up_to(self, shop_id: str) -> str:
        """The cursor of the last erasure followed; empty when there was none."""
        async with transaction(self._engine) as connection:
            statement = select(deletion_cursor.c.cursor).where(deletion_cursor.c.shop_id == shop_id)
            return str(await connection.scalar(statement) or "")

    async def views(
        self, shop_id: str, pseudonym: bytes, campaign_ids: Sequence[str], since: datetime
    ) -> dict[str, int]:
        """How often a visitor saw campaigns since a time."""
        async with reading_by_driver(self._engine) as driver:
            return dict(await driver.fetch(_VIEWS, shop_id, pseudonym, since, list(campaign_ids)))

    async def keep_house(self, now: datetime, kept: timedelta) -> None:
        """Make the partitions of this month and the next, and drop what is older than pages and views are kept."""
        async with transaction(self._engine) as connection:
            for first in (_month(now), _month(_month(now) + timedelta(days=32))):
                await connection.execute(text(_create_partition(first)))
            names = await connection.scalars(
                text(
                    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
                    "WHERE n.nspname = :schema AND relname ~ '^page_[0-9]{6}$'"
                ),
                {"schema": SCHEMA},
            )
            oldest = f"page_{_month(now - kept):%Y%m}"
            for name in sorted(name for name in names if name < oldest):
                await connection.execute(text(f"DROP TABLE {SCHEMA}.{name}"))
            await connection.execute(delete(page_ledger).where(page_ledger.c.composed_at < now - kept))
            await connection.execute(delete(campaign_view).where(campaign_view.c.viewed_at < now - VIEWS_KEPT))

    async def _first_times(self, connection: AsyncConnection, pages: Iterable[LoggedPage]) -> list[LoggedPage]:
        """Those pages that were never logged before, each once."""
        waiting = {(each.shop_id, each.page.page_id): each for each in pages}
        keys = sorted(waiting)
        rows = {
            "shop_ids": [shop_id for shop_id, _ in keys],
            "page_ids": [page_id for _, page_id in keys],
            "moments": [waiting[key].composed_at for key in keys],
        }
        written = await connection.execute(_FIRST_TIMES, rows)
        return [waiting[shop_id, page_id] for shop_id, page_id in written]

    async def _refuse(self, connection: AsyncConnection, pages: Sequence[LoggedPage]) -> None:
        latest = {(each.shop_id, each.pseudonym): each.composed_at for each in pages if each.pseudonym}
        if not latest:
            return
        statement = insert(refusal).values(
            [
                {"shop_id": shop_id, "pseudonym": pseudonym, "refused_at": at}
                for (shop_id, pseudonym), at in sorted(latest.items())
            ]
        )
        later = func.greatest(refusal.c.refused_at, statement.excluded.refused_at)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["shop_id", "pseudonym"], set_={"refused_at": later})
        )

    async def _count(self, connection: AsyncConnection, uses: Sequence[tuple[LoggedPage, CampaignUse]]) -> None:
        seen = [
            (each.shop_id, each.pseudonym, use.campaign_id, each.composed_at) for each, use in uses if each.pseudonym
        ]
        if seen:
            await connection.execute(_SEEN, _columns(("shop_ids", "pseudonyms", "campaign_ids", "moments"), seen))
        costs: dict[tuple[str, str], float] = {}
        for each, use in uses:
            if use.cost_minor:
                key = (each.shop_id, use.campaign_id)
                costs[key] = costs.get(key, 0.0) + use.cost_minor
        if costs:
            # In order, so that two processes that count at once do not wait for each other.
            rows = [(*campaign, cost) for campaign, cost in sorted(costs.items())]
            await connection.execute(_COST_MORE, _columns(("shop_ids", "campaign_ids", "costs"), rows))


def _exportable(shop_id: str, from_: datetime, before: datetime, after: tuple[datetime, str] | None) -> Any:
    """Pages in time order; of visitors who withdrew analytics only what came after."""
    withdrawn = exists().where(
        refusal.c.shop_id == page.c.shop_id,
        refusal.c.pseudonym == page.c.pseudonym,
        refusal.c.refused_at >= page.c.composed_at,
    )
    statement = select(page).where(
        and_(page.c.shop_id == shop_id, page.c.composed_at >= from_, page.c.composed_at < before),
        or_(page.c.pseudonym.is_(None), not_(withdrawn)),
    )
    if after is not None:
        statement = statement.where(tuple_(page.c.composed_at, page.c.page_id) > tuple_(*after))
    return statement.order_by(page.c.composed_at, page.c.page_id).limit(EXPORT_PAGES)


def _columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as the arrays that a statement unnests."""
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _create_partition(first: datetime) -> str:
    following = _month(first + timedelta(days=32))
    return (
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.page_{first:%Y%m} PARTITION OF {SCHEMA}.page "
        f"FOR VALUES FROM ('{first:%Y-%m-%d}') TO ('{following:%Y-%m-%d}')"
    )
