"""The catalogue in PostgreSQL: writing items and pictures, reading them, following their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.item import CatalogueItem
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.rows import item_of, row_of
from services.item_vision.tables import Xid8, feature_jobs, features, items, pictures
from services.kit.database import reading, transaction

THIS_TRANSACTION = sa.text("pg_current_xact_id()")
SETTLED = sa.text("changed_xid < pg_snapshot_xmin(pg_current_snapshot())")


@dataclass(frozen=True)
class StoredPicture:
    """A picture as the shop brought it."""

    sha256: str
    media_type: str
    width: int
    height: int
    content: bytes


@dataclass(frozen=True)
class Written:
    """What a batch of items changed."""

    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True)
class Changes:
    """Items that changed after a cursor, oldest change first."""

    items: Sequence[CatalogueItem]
    deleted_item_ids: Sequence[str]
    cursor: Cursor
    complete: bool
    """Whether nothing further had changed."""


class CatalogueStore:
    """All SQL about items and pictures."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ping(self) -> None:
        """Ask PostgreSQL anything. Raises: DependencyDown."""
        async with transaction(self._engine) as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def put(
        self, shop_id: str, batch: Sequence[CatalogueItem], new_pictures: Sequence[StoredPicture], now: datetime
    ) -> Written:
        """Create or replace items, each id at most once in the batch; one transaction."""
        # One order for all writers, so that concurrent batches wait for one another instead of deadlocking.
        ordered = sorted(batch, key=lambda item: item.item_id)
        async with transaction(self._engine) as connection:
            await _put_pictures(connection, shop_id, new_pictures)
            known = await _locked(connection, shop_id, [item.item_id for item in ordered])
            changed: list[CatalogueItem] = []
            stale: list[str] = []
            for item in ordered:
                before = known.get(item.item_id)
                if before is not None and before.item.content_hash == item.content_hash and not before.deleted:
                    continue
                after = item.after(before.item if before is not None else None, now)
                changed.append(after)
                if before is None or before.deleted or before.item.feature_hash != after.feature_hash:
                    stale.append(item.item_id)
            await _write(connection, shop_id, changed)
            await _queue(connection, shop_id, stale)
        created = sum(item.item_id not in known or known[item.item_id].deleted for item in changed)
        return Written(created, len(changed) - created, len(batch) - len(changed))

    async def get(self, shop_id: str, item_ids: Sequence[str]) -> dict[str, CatalogueItem]:
        """Items by id; unknown and deleted ones are absent."""
        query = sa.select(items).where(
            items.c.shop_id == shop_id,
            items.c.item_id == sa.any_(sa.literal(list(set(item_ids)), _TEXTS)),
            ~items.c.deleted,
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {row["item_id"]: item_of(row) for row in rows}

    async def revisions(self, shop_id: str, item_ids: Sequence[str]) -> dict[str, int]:
        """Revision of each item; unknown and deleted ones are absent."""
        wanted = {"shop_id": shop_id, "item_ids": list(set(item_ids))}
        async with reading(self._engine) as connection:
            rows = (await connection.execute(_REVISIONS, wanted)).all()
        return {row.item_id: row.changed_xid for row in rows}

    async def page(
        self, shop_id: str, after: str, limit: int, created_from: datetime | None
    ) -> Sequence[CatalogueItem]:
        """Items by id, after an id."""
        query = sa.select(items).where(items.c.shop_id == shop_id, items.c.item_id > after, ~items.c.deleted)
        if created_from is not None:
            query = query.where(items.c.created_at >= created_from)
        async with reading(self._engine) as connection:
            rows = await connection.execute(query.order_by(items.c.item_id).limit(limit))
            return [item_of(row) for row in rows.mappings()]

    async def now_cursor(self, shop_id: str) -> Cursor:
        """A cursor before every change that is not settled yet."""
        async with transaction(self._engine) as connection:
            xid = (
                await connection.execute(sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
            ).scalar_one()
        return Cursor(int(xid) - 1, "\uffff")

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> Changes:
        """Settled changes after a cursor."""
        place = sa.tuple_(items.c.changed_xid, items.c.item_id)
        bound = sa.tuple_(sa.cast(sa.cast(str(after.xid), sa.Text), Xid8), sa.cast(after.item_id, sa.Text))
        query = (
            sa.select(items, sa.cast(items.c.changed_xid, sa.Text).label("xid"))
            .where(items.c.shop_id == shop_id, place > bound, SETTLED)
            .order_by(items.c.changed_xid, items.c.item_id)
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        cursor = Cursor(int(rows[-1]["xid"]), rows[-1]["item_id"]) if rows else after
        return Changes(
            items=[item_of(row) for row in rows if not row["deleted"]],
            deleted_item_ids=[row["item_id"] for row in rows if row["deleted"]],
            cursor=cursor,
            complete=len(rows) < limit,
        )

    async def delete(self, shop_id: str, item_ids: Sequence[str]) -> list[str]:
        """Delete items; returns the ids that were there."""
        wanted = sa.literal(sorted(set(item_ids)), _TEXTS)
        async with transaction(self._engine) as connection:
            await _locked(connection, shop_id, sorted(set(item_ids)))
            gone = await connection.execute(
                sa.update(items)
                .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(wanted), ~items.c.deleted)
                .values(deleted=True, changed_xid=THIS_TRANSACTION)
                .returning(items.c.item_id)
            )
            deleted = [row.item_id for row in gone]
            for table in (features, feature_jobs):
                await connection.execute(
                    sa.delete(table).where(table.c.shop_id == shop_id, table.c.item_id == sa.any_(wanted))
                )
        return deleted

    async def picture(self, shop_id: str, sha256: str) -> StoredPicture | None:
        """A picture by its hash."""
        query = sa.select(pictures).where(pictures.c.shop_id == shop_id, pictures.c.sha256 == sha256)
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        return StoredPicture(row["sha256"], row["media_type"], row["width"], row["height"], bytes(row["content"]))


@dataclass(frozen=True)
class _Known:
    item: CatalogueItem
    deleted: bool


_TEXTS = sa.ARRAY(sa.Text)

# Put together once: building it costs as much as running it, and every page runs it.
_REVISIONS = sa.select(items.c.item_id, items.c.changed_xid).where(
    items.c.shop_id == sa.bindparam("shop_id"),
    items.c.item_id == sa.any_(sa.bindparam("item_ids", type_=_TEXTS)),
    ~items.c.deleted,
)


async def _locked(connection: AsyncConnection, shop_id: str, item_ids: Sequence[str]) -> dict[str, _Known]:
    """What is stored of the items, locked for this transaction."""
    query = (
        sa.select(items)
        .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(sa.literal(list(item_ids), _TEXTS)))
        .order_by(items.c.item_id)
        .with_for_update()
    )
    rows = (await connection.execute(query)).mappings().all()
    return {row["item_id"]: _Known(item_of(row), row["deleted"]) for row in rows}


async def _write(connection: AsyncConnection, shop_id: str, changed: Sequence[CatalogueItem]) -> None:
    if not changed:
        return
    statement = insert(items).values(changed_xid=THIS_TRANSACTION)
    replaced: Mapping[str, Any] = {
        column.name: statement.excluded[column.name]
        for column in items.columns
        if column.name not in ("shop_id", "item_id", "changed_xid", "deleted")
    }
    statement = statement.on_conflict_do_update(
        index_elements=[items.c.shop_id, items.c.item_id],
        set_={**replaced, "deleted": False, "changed_xid": THIS_TRANSACTION},
    )
    await connection.execute(statement, [row_of(shop_id, item) for item in changed])


async def _put_pictures(connection: AsyncConnection, shop_id: str, new: Sequence[StoredPicture]) -> None:
    if not new:
        return
    rows = [{"shop_id": shop_id, **vars(picture)} for picture in sorted(new, key=lambda each: each.sha256)]
    await connection.execute(insert(pictures).on_conflict_do_nothing(), rows)


async def _queue(connection: AsyncConnection, shop_id: str, item_ids: Sequence[str]) -> None:
    """Have features computed, anew for items that failed before."""
    if not item_ids:
        return
    statement = insert(feature_jobs).on_conflict_do_update(
        index_elements=[feature_jobs.c.shop_id, feature_jobs.c.item_id],
        set_={"attempts": 0, "failure": None, "not_before": sa.func.now()},
    )
    await connection.execute(statement, [{"shop_id": shop_id, "item_id": item_id} for item_id in item_ids])
