"""Feature jobs in PostgreSQL: taken under a lease, finished or put off in a transaction of their own.

No transaction stays open while features are computed: it would hold back every watch (see `cursor.py`), and its locks
would meet those of an import. A worker that dies leaves its jobs to whoever comes after the lease.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BIT, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.item_vision.clusters import Sighting, cluster_numbers, joined
from services.item_vision.item import CatalogueItem
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.sql.bulk import TEXTS, THIS_TRANSACTION
from services.item_vision.sql.feature_store import ItemFeatures, feature_row, features_of, signed
from services.item_vision.sql.rows import item_of
from services.item_vision.tables import MOMENT, feature_jobs, features, items, pictures
from services.kit.database import transaction

_SENT: Final = {column.name: column for column in features.columns if column.name != "changed_xid"}
WORKER_DIED: Final = "FEATURES_FAILED: computing them ended the worker again and again; replace the picture"


@dataclass(frozen=True)
class Job:
    """An item whose features are to be computed."""

    shop_id: str
    item: CatalogueItem
    attempts: int
    """This one included."""
    lease: datetime
    """Until when it is ours; no two takings of one job have the same."""
    picture: bytes | None
    """The main picture as the shop brought it; None without one."""


class FeatureJobs:
    """All SQL about feature jobs."""

    def __init__(self, engine: AsyncEngine, attempt_limit: int, lease_s: float = 120.0) -> None:
        self._engine = engine
        self._attempt_limit = attempt_limit
        self._lease = timedelta(seconds=lease_s)

    async def take(self, limit: int, wordy_limit: int | None = None) -> Sequence[Job]:
        """Jobs that no other worker has: up to `limit` with pictures, and `wordy_limit` (default: `limit`) without.

        One that was tried before comes alone, lest it take others down with it.
        """
        async with transaction(self._engine) as connection:
            await _park_exhausted(connection, self._attempt_limit)
            fresh = feature_jobs.c.attempts == 0
            taken = await self._claim(connection, fresh & feature_jobs.c.pictured, limit)
            taken += await self._claim(connection, fresh & ~feature_jobs.c.pictured, wordy_limit or limit)
            if not taken:
                taken = await self._claim(connection, feature_jobs.c.attempts > 0, 1)
            return await _jobs(connection, taken)

    async def finish(self, shop_id: str, done: Sequence[tuple[Job, ItemFeatures]], rule: NearDuplicateRule) -> None:
        """Store features, find near-duplicates, tell watchers and drop the jobs.

        What has changed since it was taken is left alone: its new job is waiting.
        """
        async with transaction(self._engine) as connection:
            # One worker a shop at a time, so that none misses the other's pictures.
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(shop_id, 0))))
            computed = {job.item.item_id: computed for job, computed in done}
            sightings = await _sightings(connection, shop_id, computed, rule)
            neighbours = joined(sightings, computed.keys(), rule)
            present = await _locked(connection, shop_id, {*computed, *neighbours})
            current = [each for each in computed.values() if _is_current(each, present)]
            await _store(connection, shop_id, current)
            numbers = cluster_numbers(
                neighbours,
                {item_id: row.near_duplicate_cluster for item_id, row in present.items()},
                {each.item_id: each.image_hash for each in sightings},
            )
            await _tell(connection, shop_id, [each.item_id for each in current], numbers)
            await _drop(connection, shop_id, [job for job, _ in done])

    async def put_off(self, job: Job, failure: str, *, give_up: bool) -> None:
        """Try a job again later, twice as late each time, or give it up with the reason."""
        wait = timedelta(seconds=2**job.attempts)
        async with transaction(self._engine) as connection:
            await connection.execute(
                sa.update(feature_jobs)
                .where(_ours(job))
                .values(not_before=sa.func.now() + wait, failure=failure if give_up else None)
            )

    async def waiting(self) -> int:
        """Return how many jobs are to be done, those being worked on included and those given up left out."""
        async with transaction(self._engine) as connection:
            query = sa.select(sa.func.count()).select_from(feature_jobs).where(feature_jobs.c.failure.is_(None))
            return int((await connection.execute(query)).scalar_one())

    async def renew(self, image_backbone: str, text_encoder: str) -> int:
        """Queue every item whose features come from other encoders; returns how many there are."""
        other = (features.c.image_backbone != image_backbone) | (features.c.text_encoder != text_encoder)
        same = (items.c.shop_id == features.c.shop_id) & (items.c.item_id == features.c.item_id)
        pictured = sa.func.cardinality(items.c.images) > 0
        outdated = sa.select(items.c.shop_id, items.c.item_id, pictured).select_from(features.join(items, same))
        async with transaction(self._engine) as connection:
            queued = await connection.execute(
                insert(feature_jobs)
                .from_select(["shop_id", "item_id", "pictured"], outdated.where(other))
                .on_conflict_do_nothing()
            )
            return int(queued.rowcount)

    async def _claim(self, connection: AsyncConnection, which: sa.ColumnElement[bool], limit: int) -> list[Any]:
        free = (
            sa.select(feature_jobs.c.shop_id, feature_jobs.c.item_id)
            .where(feature_jobs.c.failure.is_(None), feature_jobs.c.not_before <= sa.func.now(), which)
            .order_by(feature_jobs.c.not_before)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("free")
        )
        claimed = await connection.execute(
            sa.update(feature_jobs)
            .where(feature_jobs.c.shop_id == free.c.shop_id, feature_jobs.c.item_id == free.c.item_id)
            .values(attempts=feature_jobs.c.attempts + 1, not_before=sa.func.clock_timestamp() + self._lease)
            .returning(*feature_jobs.columns)
        )
        return list(claimed.mappings())


def _ours(job: Job) -> sa.ColumnElement[bool]:
    mine = (feature_jobs.c.shop_id == job.shop_id) & (feature_jobs.c.item_id == job.item.item_id)
    return mine & (feature_jobs.c.not_before == job.lease)


async def _drop(connection: AsyncConnection, shop_id: str, jobs: Sequence[Job]) -> None:
    """Drop finished jobs that are still ours."""
    given: Any = sa.func.unnest(
        sa.literal([job.item.item_id for job in jobs], TEXTS), sa.literal([job.lease for job in jobs], sa.ARRAY(MOMENT))
    )
    given = given.table_valued("item_id", "lease").render_derived(name="given")
    await connection.execute(
        sa.delete(feature_jobs).where(
            feature_jobs.c.shop_id == shop_id,
            feature_jobs.c.item_id == given.c.item_id,
            feature_jobs.c.not_before == given.c.lease,
        )
    )


async def _park_exhausted(connection: AsyncConnection, attempt_limit: int) -> None:
    """Give up jobs that were tried often enough and whose worker never said how it went."""
    await connection.execute(
        sa.update(feature_jobs)
        .where(
            feature_jobs.c.failure.is_(None),
            feature_jobs.c.attempts > 0,
            feature_jobs.c.attempts >= attempt_limit,
            feature_jobs.c.not_before <= sa.func.now(),
        )
        .values(failure=WORKER_DIED)
    )


async def _jobs(connection: AsyncConnection, taken: Sequence[Any]) -> list[Job]:
    if not taken:
        return []
    main = sa.and_(pictures.c.shop_id == items.c.shop_id, pictures.c.sha256 == items.c.images[1])
    shops, ids = ([row[name] for row in taken] for name in ("shop_id", "item_id"))
    given: Any = sa.func.unnest(sa.literal(shops, TEXTS), sa.literal(ids, TEXTS))
    given = given.table_valued("shop_id", "item_id").render_derived(name="given")
    mine = (items.c.shop_id == given.c.shop_id) & (items.c.item_id == given.c.item_id)
    query = sa.select(items, pictures.c.content).select_from(given.join(items, mine).outerjoin(pictures, main))
    rows = (await connection.execute(query.where(~items.c.deleted))).mappings()
    found = {(row["shop_id"], row["item_id"]): row for row in rows}
    jobs = []
    for each in taken:
        row = found.get((each["shop_id"], each["item_id"]))
        if row is None:
            gone = (feature_jobs.c.shop_id == each["shop_id"]) & (feature_jobs.c.item_id == each["item_id"])
            await connection.execute(sa.delete(feature_jobs).where(gone))
        else:
            content = None if row["content"] is None else bytes(row["content"])
            jobs.append(Job(each["shop_id"], item_of(row), each["attempts"], each["not_before"], content))
    return jobs


async def _sightings(
    connection: AsyncConnection, shop_id: str, computed: dict[str, ItemFeatures], rule: NearDuplicateRule
) -> list[Sighting]:
    """The new pictures, and the stored ones whose hash is near one of theirs."""
    new = [each for each in computed.values() if each.image is not None]
    if not new:
        return []
    hashes = sa.literal([signed(each.image_hash) for each in new], sa.ARRAY(sa.BigInteger))
    asked_hash = sa.func.unnest(hashes).column_valued("asked_hash")
    distance = sa.func.bit_count(sa.cast(features.c.image_hash.op("#")(asked_hash), BIT(64)))
    near = sa.exists(sa.select(sa.literal(1)).where(distance <= rule.hash_bits).correlate(features))
    query = sa.select(features).where(
        features.c.shop_id == shop_id,
        features.c.image.is_not(None),
        features.c.image_backbone == new[0].image_backbone,
        features.c.item_id != sa.all_(sa.literal(list(computed), TEXTS)),
        near,
    )
    stored = [features_of(row) for row in (await connection.execute(query)).mappings()]
    return [Sighting(each.item_id, each.image, each.image_hash) for each in [*new, *stored] if each.image is not None]


async def _locked(connection: AsyncConnection, shop_id: str, item_ids: set[str]) -> dict[str, Any]:
    """The items that exist, locked in the order in which every writer locks."""
    wanted = sa.literal(sorted(item_ids), TEXTS)
    query = (
        sa.select(items.c.item_id, items.c.feature_hash, items.c.near_duplicate_cluster)
        .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(wanted), ~items.c.deleted)
        .order_by(items.c.item_id)
        .with_for_update()
    )
    return {row.item_id: row for row in await connection.execute(query)}


def _is_current(computed: ItemFeatures, present: dict[str, Any]) -> bool:
    row = present.get(computed.item_id)
    return row is not None and bytes(row.feature_hash) == computed.feature_hash


async def _store(connection: AsyncConnection, shop_id: str, computed: Sequence[ItemFeatures]) -> None:
    if not computed:
        return
    rows = [feature_row(shop_id, each) for each in computed]
    given: Any = sa.func.unnest(
        *(sa.literal([row[name] for row in rows], sa.ARRAY(_SENT[name].type)) for name in _SENT)
    )
    given = given.table_valued(*_SENT).render_derived(name="given")
    query = sa.select(*(given.c[name] for name in _SENT), THIS_TRANSACTION)
    statement = insert(features).from_select([*_SENT, "changed_xid"], query)
    replaced = {name: statement.excluded[name] for name in _SENT if name not in ("shop_id", "item_id")}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[features.c.shop_id, features.c.item_id], set_={**replaced, "changed_xid": THIS_TRANSACTION}
        )
    )


async def _tell(connection: AsyncConnection, shop_id: str, item_ids: Sequence[str], numbers: dict[str, int]) -> None:
    """Write cluster numbers and mark every item that has new features or a new cluster as changed."""
    changed = sorted({*item_ids, *numbers})
    if not changed:
        return
    given: Any = sa.func.unnest(
        sa.literal(changed, TEXTS),
        sa.literal([numbers.get(item_id) for item_id in changed], sa.ARRAY(sa.BigInteger)),
    )
    given = given.table_valued("item_id", "number").render_derived(name="given")
    number = sa.func.coalesce(given.c.number, items.c.near_duplicate_cluster)
    renewed = items.c.item_id == sa.any_(sa.literal(list(item_ids), TEXTS))
    await connection.execute(
        sa.update(items)
        .where(items.c.shop_id == shop_id, items.c.item_id == given.c.item_id)
        .where(renewed | (items.c.near_duplicate_cluster != number))
        .values(near_duplicate_cluster=number, changed_xid=THIS_TRANSACTION)
    )
