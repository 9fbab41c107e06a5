"""The catalogue in PostgreSQL: writing items and pictures, reading them, following their changes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.facts import StoredFacts
from services.item_vision.item import CatalogueItem, NewLinks
from services.item_vision.sql.bulk import TEXTS, THIS_TRANSACTION, earlier_states, queue_features, write_items
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.facts import FACTS, FACTS_WITH_VECTORS
from services.item_vision.sql.links import LinksWritten, items_of_variants, put_links
from services.item_vision.sql.reconciliation import Reconciliation, reconciliation
from services.item_vision.sql.rows import item_of
from services.item_vision.tables import SCHEMA, Xid8, feature_jobs, features, items, links, pictures
from services.kit.database import reading, reading_by_driver, transaction

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
    revived: int = 0
    """Of the updated ones, those that had been retired."""


@dataclass(frozen=True)
class Changes:
    """Items that changed after a cursor, oldest change first."""

    items: Sequence[StoredFacts]
    deleted_item_ids: Sequence[str]
    """Deleted or retired."""
    cursor: Cursor
    complete: bool
    """Whether nothing further had changed."""


@dataclass(frozen=True)
class Wanted:
    """Which items of a catalogue are paged through, and what of them."""

    created_from: datetime | None = None
    """Only those created at or after it."""
    retired: bool = False
    """Retired ones too."""
    vectors: bool = False
    """With the vectors that the shop brought."""


EVERYTHING: Final = Wanted()


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
            known = await earlier_states(connection, shop_id, [item.item_id for item in ordered])
            changed: list[CatalogueItem] = []
            stale: list[CatalogueItem] = []
            for item in ordered:
                before = known.get(item.item_id)
                there = before if before is not None and not before.deleted else None
                if there is not None and there.content_hash == item.content_hash and not there.retired:
                    continue
                after = item.after(before, now)
                changed.append(after)
                if there is None or there.feature_hash != after.feature_hash:
                    stale.append(after)
            await write_items(connection, shop_id, changed)
            await queue_features(connection, shop_id, stale)
        created = sum(item.item_id not in known or known[item.item_id].deleted for item in changed)
        revived = sum(item.item_id in known and known[item.item_id].retired for item in changed)
        return Written(created, len(changed) - created, len(batch) - len(changed), revived)

    async def get(
        self, shop_id: str, item_ids: Sequence[str], *, retired: bool = False, linked: bool = False
    ) -> dict[str, CatalogueItem]:
        """Items by id; unknown and deleted ones are absent, and so are retired ones unless they are asked for.

        Links are read only when they are asked for.
        """
        query = (_LINKED if linked else sa.select(items)).where(
            items.c.shop_id == shop_id,
            items.c.item_id == sa.any_(sa.literal(list(set(item_ids)), TEXTS)),
            ~items.c.deleted if retired else _PRESENT,
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {row["item_id"]: item_of(row) for row in rows}

    async def changed(self, shop_id: str, held: Mapping[str, int]) -> frozenset[str]:
        """Those of the items that are no longer at the revision held; unknown, deleted and retired ones are among
        them.
        """
        async with reading_by_driver(self._engine) as driver:
            found = await driver.fetch(_CHANGED, shop_id, list(held), list(held.values()))
        return frozenset(row[0] for row in found)

    async def page(self, shop_id: str, after: str, limit: int, wanted: Wanted = EVERYTHING) -> Sequence[StoredFacts]:
        """Items by id, after an id."""
        there = ~items.c.deleted if wanted.retired else _PRESENT
        query = _facts(wanted.vectors).where(items.c.shop_id == shop_id, items.c.item_id > after, there)
        if wanted.created_from is not None:
            query = query.where(items.c.created_at >= wanted.created_from)
        async with reading(self._engine) as connection:
            rows = await connection.execute(query.order_by(items.c.item_id).limit(limit))
            return [StoredFacts(*row) for row in rows]

    async def now_cursor(self, shop_id: str) -> Cursor:
        """A cursor before every change that is not settled yet."""
        async with transaction(self._engine) as connection:
            xid = (
                await connection.execute(sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
            ).scalar_one()
        return Cursor(int(xid) - 1, "\uffff")

    async def changes(self, shop_id: str, after: Cursor, limit: int, *, vectors: bool = False) -> Changes:
        """Settled changes after a cursor."""
        place = sa.tuple_(items.c.changed_xid, items.c.item_id)
        bound = sa.tuple_(sa.cast(sa.cast(str(after.xid), sa.Text), Xid8), sa.cast(after.item_id, sa.Text))
        query = (
            _facts(vectors)
            .where(items.c.shop_id == shop_id, place > bound, SETTLED)
            .order_by(items.c.changed_xid, items.c.item_id)
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            facts = [StoredFacts(*row) for row in await connection.execute(query)]
        cursor = Cursor(facts[-1].revision, facts[-1].item_id) if facts else after
        return Changes(
            items=[each for each in facts if not (each.deleted or each.retired)],
            deleted_item_ids=[each.item_id for each in facts if each.deleted or each.retired],
            cursor=cursor,
            complete=len(facts) < limit,
        )

    async def delete(self, shop_id: str, item_ids: Sequence[str]) -> list[str]:
        """Delete items; returns the ids that were there."""
        wanted = sa.literal(sorted(set(item_ids)), TEXTS)
        async with transaction(self._engine) as connection:
            await earlier_states(connection, shop_id, sorted(set(item_ids)))
            gone = await connection.execute(
                sa.update(items)
                .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(wanted), ~items.c.deleted)
                .values(deleted=True, retired=False, changed_xid=THIS_TRANSACTION)
                .returning(items.c.item_id)
            )
            deleted = [row.item_id for row in gone]
            for table in (features, feature_jobs):
                await connection.execute(
                    sa.delete(table).where(table.c.shop_id == shop_id, table.c.item_id == sa.any_(wanted))
                )
        return deleted

    def reconciliation(self) -> AbstractAsyncContextManager[Reconciliation]:
        """Begin to retire what a whole catalogue no longer names."""
        return reconciliation(self._engine)

    async def put_links(self, shop_id: str, batch: Mapping[str, NewLinks]) -> LinksWritten:
        """Replace the links of items, or add to them; one transaction."""
        async with transaction(self._engine) as connection:
            return await put_links(connection, shop_id, batch)

    async def items_of_variants(self, shop_id: str, variant_ids: Sequence[str]) -> dict[str, str]:
        """The item of each variant; an item's own id is its own, ids of neither are absent."""
        async with reading(self._engine) as connection:
            return await items_of_variants(connection, shop_id, variant_ids)

    async def picture(self, shop_id: str, sha256: str) -> StoredPicture | None:
        """A picture by its hash."""
        query = sa.select(pictures).where(pictures.c.shop_id == shop_id, pictures.c.sha256 == sha256)
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        return StoredPicture(row["sha256"], row["media_type"], row["width"], row["height"], bytes(row["content"]))


_PRESENT: Final = ~items.c.deleted & ~items.c.retired
_LINKED: Final = sa.select(items, links.c.kinds, links.c.linked_item_ids).select_from(
    items.outerjoin(links, (links.c.shop_id == items.c.shop_id) & (links.c.item_id == items.c.item_id))
)

# Compared where they are kept: a page asks about hundreds of items, of which hardly one has changed.
_CHANGED = (
    "SELECT held.item_id FROM unnest($2::text[], $3::bigint[]) "
    f"AS held (item_id, revision) WHERE NOT EXISTS (SELECT FROM {SCHEMA}.items AS known "
    "WHERE known.shop_id = $1 AND known.item_id = held.item_id AND NOT known.deleted "
    "AND NOT known.retired AND CAST(CAST(known.changed_xid AS text) AS bigint) = held.revision)"
)


async def _put_pictures(connection: AsyncConnection, shop_id: str, new: Sequence[StoredPicture]) -> None:
    if not new:
        return
    rows = [{"shop_id": shop_id, **vars(picture)} for picture in sorted(new, key=lambda each: each.sha256)]
    await connection.execute(insert(pictures).on_conflict_do_nothing(), rows)


def _facts(vectors: bool) -> sa.Select[Any]:
    return FACTS_WITH_VECTORS if vectors else FACTS
