"""Feature jobs and raw features in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.item import CatalogueItem
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.sql.catalogue import SETTLED, THIS_TRANSACTION
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.rows import item_of
from services.item_vision.tables import Xid8, feature_jobs, features, items, pictures
from services.kit.database import transaction

_SIGN = 1 << 63


@dataclass(frozen=True)
class Job:
    """An item whose features are to be computed."""

    shop_id: str
    item: CatalogueItem
    attempts: int
    picture: bytes | None
    """The main picture as the shop brought it; None without one."""


@dataclass(frozen=True)
class ItemFeatures:
    """Raw features of one item."""

    item_id: str
    image: NDArray[np.float16] | None
    """`[image_width]`; None without a picture."""
    image_hash: int
    """64 bits, 0 without a picture."""
    text: NDArray[np.float16]
    """`[text_width]`."""
    image_backbone: str
    text_encoder: str
    feature_hash: bytes


@dataclass(frozen=True)
class FeatureChanges:
    """Features that changed after a cursor."""

    features: Sequence[ItemFeatures]
    cursor: Cursor
    complete: bool


@dataclass(frozen=True)
class FeatureProgress:
    """How far the features of a shop are."""

    waiting: int
    done: int
    failed: int
    failures: Sequence[tuple[str, str]]
    """(item_id, reason and message) of the first hundred."""


class FeatureStore:
    """All SQL about features."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def take_jobs(self, limit: int) -> AsyncIterator[tuple["JobBatch", Sequence[Job]]]:
        """Jobs that no other worker has, held until the context is left; what is finished in it is then gone.

        A worker that dies gives its jobs back by losing its connection.
        """
        async with transaction(self._engine) as connection:
            taken = (
                sa.select(feature_jobs)
                .where(feature_jobs.c.failure.is_(None), feature_jobs.c.not_before <= sa.func.now())
                .order_by(feature_jobs.c.not_before)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            waiting = (await connection.execute(taken)).mappings().all()
            yield JobBatch(connection), await _jobs(connection, waiting)

    async def progress(self, shop_id: str) -> FeatureProgress:
        """How far the features of a shop are."""
        mine = feature_jobs.c.shop_id == shop_id
        failed = feature_jobs.c.failure.is_not(None)
        async with transaction(self._engine) as connection:
            counts = sa.select(
                sa.func.count().filter(~failed).label("waiting"), sa.func.count().filter(failed).label("failed")
            ).where(mine)
            row = (await connection.execute(counts)).one()
            done = await connection.execute(sa.select(sa.func.count()).where(features.c.shop_id == shop_id))
            listed = sa.select(feature_jobs.c.item_id, feature_jobs.c.failure).where(mine, failed)
            failures = await connection.execute(listed.order_by(feature_jobs.c.item_id).limit(100))
            return FeatureProgress(
                row.waiting, done.scalar_one(), row.failed, [(each.item_id, each.failure) for each in failures]
            )

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> FeatureChanges:
        """Settled features after a cursor, oldest change first."""
        place = sa.tuple_(features.c.changed_xid, features.c.item_id)
        bound = sa.tuple_(sa.cast(sa.cast(str(after.xid), sa.Text), Xid8), sa.cast(after.item_id, sa.Text))
        query = (
            sa.select(features, sa.cast(features.c.changed_xid, sa.Text).label("xid"))
            .where(features.c.shop_id == shop_id, place > bound, SETTLED)
            .order_by(features.c.changed_xid, features.c.item_id)
            .limit(limit)
        )
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        cursor = Cursor(int(rows[-1]["xid"]), rows[-1]["item_id"]) if rows else after
        return FeatureChanges([features_of(row) for row in rows], cursor, len(rows) < limit)


class JobBatch:
    """Writes what became of the jobs of one batch, in its transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def finish(self, shop_id: str, computed: Sequence[ItemFeatures], rule: NearDuplicateRule) -> None:
        """Store features, find near-duplicates, tell watchers, and drop the jobs."""
        if not computed:
            return
        statement = insert(features).values(changed_xid=THIS_TRANSACTION)
        names = [column.name for column in features.columns if column.name not in ("shop_id", "item_id", "changed_xid")]
        statement = statement.on_conflict_do_update(
            index_elements=[features.c.shop_id, features.c.item_id],
            set_={**{name: statement.excluded[name] for name in names}, "changed_xid": THIS_TRANSACTION},
        )
        await self._connection.execute(statement, [_row(shop_id, each) for each in computed])
        for each in computed:
            await self._cluster(shop_id, each, rule)
        done = sa.literal([each.item_id for each in computed], sa.ARRAY(sa.Text))
        await self._connection.execute(
            sa.update(items)
            .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(done))
            .values(changed_xid=THIS_TRANSACTION)
        )
        await self._connection.execute(
            sa.delete(feature_jobs).where(feature_jobs.c.shop_id == shop_id, feature_jobs.c.item_id == sa.any_(done))
        )

    async def postpone(self, job: Job, failure: str, *, give_up: bool) -> None:
        """Try a job again later, twice as late each time, or give it up with the reason."""
        wait = timedelta(seconds=2**job.attempts)
        await self._connection.execute(
            sa.update(feature_jobs)
            .where(feature_jobs.c.shop_id == job.shop_id, feature_jobs.c.item_id == job.item.item_id)
            .values(
                attempts=job.attempts + 1,
                not_before=sa.func.now() + wait,
                failure=failure if give_up else None,
            )
        )

    async def drop(self, shop_id: str, item_ids: Sequence[str]) -> None:
        """Forget jobs of items that are gone."""
        gone = sa.literal(list(item_ids), sa.ARRAY(sa.Text))
        await self._connection.execute(
            sa.delete(feature_jobs).where(feature_jobs.c.shop_id == shop_id, feature_jobs.c.item_id == sa.any_(gone))
        )

    async def _cluster(self, shop_id: str, item: ItemFeatures, rule: NearDuplicateRule) -> None:
        """Join the item's cluster with those of all items whose main picture is near-identical."""
        if item.image is None:
            return
        distance = sa.text("bit_count((image_hash # :hash)::bit(64)) <= :bits").bindparams(
            hash=signed(item.image_hash), bits=rule.hash_bits
        )
        query = sa.select(features.c.item_id, features.c.image).where(
            features.c.shop_id == shop_id,
            features.c.item_id != item.item_id,
            features.c.image.is_not(None),
            features.c.image_backbone == item.image_backbone,
            distance,
        )
        rows = (await self._connection.execute(query)).all()
        mine = _unit(item.image)
        alike = [row.item_id for row in rows if float(_unit(np.frombuffer(row.image, "<f2")) @ mine) >= rule.cosine]
        if not alike:
            return
        members = sa.literal([item.item_id, *alike], sa.ARRAY(sa.Text))
        here = (items.c.shop_id == shop_id) & (items.c.item_id == sa.any_(members))
        found = await self._connection.execute(sa.select(items.c.near_duplicate_cluster).distinct().where(here))
        clusters = sorted(row[0] for row in found if row[0])
        number = clusters[0] if clusters else _cluster_number(item.image_hash)
        joined = here
        if clusters:
            old = sa.literal(clusters, sa.ARRAY(sa.BigInteger))
            joined = here | ((items.c.shop_id == shop_id) & (items.c.near_duplicate_cluster == sa.any_(old)))
        await self._connection.execute(
            sa.update(items)
            .where(joined, items.c.near_duplicate_cluster != number)
            .values(near_duplicate_cluster=number, changed_xid=THIS_TRANSACTION)
        )


async def _jobs(connection: AsyncConnection, waiting: Sequence[Any]) -> list[Job]:
    if not waiting:
        return []
    attempts = {(row["shop_id"], row["item_id"]): row["attempts"] for row in waiting}
    keys = sa.tuple_(items.c.shop_id, items.c.item_id).in_(list(attempts))
    main = sa.and_(pictures.c.shop_id == items.c.shop_id, pictures.c.sha256 == items.c.images[1])
    query = sa.select(items, pictures.c.content).select_from(items.outerjoin(pictures, main)).where(keys)
    found = {(row["shop_id"], row["item_id"]): row for row in (await connection.execute(query)).mappings()}
    jobs = []
    for key, count in attempts.items():
        row = found.get(key)
        if row is None or row["deleted"]:
            await JobBatch(connection).drop(key[0], [key[1]])
            continue
        content = None if row["content"] is None else bytes(row["content"])
        jobs.append(Job(key[0], item_of(row), count, content))
    return jobs


def features_of(row: Any) -> ItemFeatures:
    """A row of `features`."""
    return ItemFeatures(
        item_id=row["item_id"],
        image=None if row["image"] is None else np.frombuffer(row["image"], "<f2"),
        image_hash=row["image_hash"] % (1 << 64),
        text=np.frombuffer(row["text"], "<f2"),
        image_backbone=row["image_backbone"],
        text_encoder=row["text_encoder"],
        feature_hash=bytes(row["feature_hash"]),
    )


def signed(image_hash: int) -> int:
    """64 bits as PostgreSQL's signed bigint."""
    return image_hash - (1 << 64) if image_hash >= _SIGN else image_hash


def _row(shop_id: str, item: ItemFeatures) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "item_id": item.item_id,
        "feature_hash": item.feature_hash,
        "image": None if item.image is None else item.image.astype("<f2").tobytes(),
        "image_hash": signed(item.image_hash),
        "text": item.text.astype("<f2").tobytes(),
        "image_backbone": item.image_backbone,
        "text_encoder": item.text_encoder,
    }


def _cluster_number(image_hash: int) -> int:
    """A number for a new cluster: never 0, the same for the same picture."""
    return (image_hash >> 1) or 1


def _unit(vector: NDArray[Any]) -> NDArray[np.float32]:
    raw = vector.astype(np.float32)
    return np.asarray(raw / max(float(np.linalg.norm(raw)), 1e-9), np.float32)
