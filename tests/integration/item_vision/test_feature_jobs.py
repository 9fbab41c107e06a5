"""Feature jobs on a real PostgreSQL: shared between workers, given back, put off, parked, renewed."""

import asyncio
from datetime import UTC, datetime
from itertools import count

import numpy as np
import pytest
import sqlalchemy as sa

from services.item_vision.sql.catalogue import CatalogueStore, StoredPicture
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_jobs import FeatureJobs
from services.item_vision.sql.feature_store import FeatureStore
from services.item_vision.tables import feature_jobs
from services.item_vision.worker import Encoders, Worker, WorkerSettings, compute
from tests.fakes.small_encoders import RULE, SmallImageEncoder, SmallTextEncoder
from tests.model.item_vision.drawings import encoded, pixels

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SHOPS = count(1)


@pytest.fixture
async def shop_id(engine) -> str:
    """A shop of the test's own; jobs of earlier tests are gone, because workers take those of every shop."""
    async with engine.begin() as connection:
        await connection.execute(feature_jobs.delete())
    return f"jobs-{next(_SHOPS)}"


def encoders() -> Encoders:
    return Encoders(SmallImageEncoder(), SmallTextEncoder())


def picture(shape: str, colour: str, seed: int = 1) -> StoredPicture:
    content = encoded(pixels(shape, colour, seed, 96))
    return StoredPicture(f"{shape}-{colour}-{seed}", "image/jpeg", 96, 96, content)


async def work(engine, own: Encoders | None = None, attempts: int = 3) -> None:
    jobs = FeatureJobs(engine, attempts)
    worker = Worker(jobs, own or encoders(), WorkerSettings(8, 0.01, attempts), lambda _: RULE)
    while await worker.work_once():
        pass


async def test_two_workers_never_have_the_same_job(engine, make_item, shop_id):
    await CatalogueStore(engine).put(shop_id, [make_item(f"i{number}") for number in range(40)], [], NOW)
    workers = [FeatureJobs(engine, 3) for _ in range(4)]
    taken = await asyncio.gather(*(jobs.take(10) for jobs in workers))
    ids = [job.item.item_id for batch in taken for job in batch]
    assert sorted(ids) == sorted({*ids})
    assert len(ids) == 40
    assert await workers[0].take(10) == []


async def test_the_queue_counts_what_is_still_to_be_done(engine, make_item, shop_id):
    jobs = FeatureJobs(engine, 3)
    await CatalogueStore(engine).put(shop_id, [make_item(name) for name in "abc"], [], NOW)
    assert await jobs.waiting() == 3
    taken = await jobs.take(10)
    assert await jobs.waiting() == 3
    await jobs.put_off(taken[0], "PICTURE_BROKEN: it is broken", give_up=True)
    assert await jobs.waiting() == 2


async def test_features_of_what_has_changed_meanwhile_are_thrown_away_and_made_anew(engine, make_item, shop_id):
    store, jobs = CatalogueStore(engine), FeatureJobs(engine, 3)
    await store.put(shop_id, [make_item("a")], [], NOW)
    taken = await jobs.take(10)
    await store.put(shop_id, [make_item("a", titles={"en": "something else"})], [], NOW)
    await jobs.finish(shop_id, compute(taken, encoders()).features, RULE)
    progress = await FeatureStore(engine).progress(shop_id)
    assert (progress.waiting, progress.done) == (1, 0)
    await work(engine)
    (features,) = (await FeatureStore(engine).changes(shop_id, Cursor(), 10)).features
    assert features.feature_hash == (await store.get(shop_id, ["a"]))["a"].feature_hash


async def test_an_import_does_not_wait_for_a_worker_that_computes(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item("a")], [], NOW)
    await FeatureJobs(engine, 3).take(10)
    async with asyncio.timeout(5):
        await store.put(shop_id, [make_item("a", brand="Aria")], [], NOW)
    changes = await store.changes(shop_id, Cursor(), 10)
    assert [item.brand for item in changes.items] == ["Aria"]


async def test_jobs_of_a_worker_that_died_come_back_alone_and_are_parked_in_the_end(engine, make_item, shop_id):
    await CatalogueStore(engine).put(shop_id, [make_item("a"), make_item("b")], [], NOW)
    dying = FeatureJobs(engine, attempt_limit=2, lease_s=0.0)
    assert len(await dying.take(10)) == 2
    assert [(len(batch), batch[0].attempts) for batch in [await dying.take(10), await dying.take(10)]] == [
        (1, 2),
        (1, 2),
    ]
    assert await dying.take(10) == []
    progress = await FeatureStore(engine).progress(shop_id)
    assert progress.failed == 2
    assert {failure.partition(":")[0] for _, failure in progress.failures} == {"FEATURES_FAILED"}


async def test_a_failed_job_waits_longer_each_time_and_a_good_one_in_its_batch_is_done(engine, make_item, shop_id):
    good, bad = picture("disc", "red"), StoredPicture("broken", "image/jpeg", 9, 9, b"\xff\xd8\xff no picture")
    await CatalogueStore(engine).put(
        shop_id, [make_item("good", "disc-red-1"), make_item("bad", "broken")], [good, bad], NOW
    )
    await work(engine)
    progress = await FeatureStore(engine).progress(shop_id)
    assert (progress.waiting, progress.done, progress.failed) == (1, 1, 0)
    waits = []
    for attempts in (2, 3):
        async with engine.begin() as connection:
            before = (await connection.execute(feature_jobs.select())).one()
            waits.append((before.attempts, before.not_before))
            await connection.execute(feature_jobs.update().values(not_before=NOW))
        await work(engine, attempts=3)
        assert attempts > before.attempts
    progress = await FeatureStore(engine).progress(shop_id)
    assert (progress.waiting, progress.failed) == (0, 1)
    assert progress.failures[0][1].startswith("PICTURE_UNREADABLE: ")
    assert [attempts for attempts, _ in waits] == [1, 2]
    assert waits[1][1] > waits[0][1]


async def test_one_picture_that_breaks_the_encoder_costs_only_its_own_item(engine, make_item, shop_id):
    class Fragile(SmallImageEncoder):
        def encode(self, images: np.ndarray) -> np.ndarray:
            if (images[:, 112, 112, 2] > 150).any():
                raise RuntimeError("blue is too much")
            return super().encode(images)

    pictures = [picture("disc", colour) for colour in ("red", "blue", "green")]
    batch = [make_item(stored.sha256, stored.sha256) for stored in pictures]
    await CatalogueStore(engine).put(shop_id, batch, pictures, NOW)
    await work(engine, Encoders(Fragile(), SmallTextEncoder()), attempts=1)
    progress = await FeatureStore(engine).progress(shop_id)
    assert (progress.done, progress.failures) == (
        2,
        [("disc-blue-1", "FEATURES_FAILED: RuntimeError: blue is too much")],
    )


async def test_near_identical_pictures_are_clustered_whenever_they_arrive(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    red, blue = picture("disc", "red"), picture("disc", "blue")
    await store.put(shop_id, [make_item("a", red.sha256), make_item("b", blue.sha256)], [red, blue], NOW)
    await work(engine)
    start = (await store.changes(shop_id, Cursor(), 10)).cursor
    await store.put(shop_id, [make_item("c", red.sha256), make_item("d", red.sha256)], [red], NOW)
    await work(engine)
    found = await store.get(shop_id, ["a", "b", "c", "d"])
    clusters = {item_id: item.near_duplicate_cluster for item_id, item in found.items()}
    assert clusters["a"] == clusters["c"] == clusters["d"] != 0
    assert clusters["b"] == 0
    changed = {item.item_id for item in (await store.changes(shop_id, start, 10)).items}
    assert changed == {"a", "c", "d"}


async def test_two_workers_that_finish_together_still_see_each_others_pictures(engine, make_item, shop_id):
    store, red = CatalogueStore(engine), picture("disc", "red")
    await store.put(shop_id, [make_item(f"i{number}", red.sha256) for number in range(8)], [red], NOW)
    jobs = [FeatureJobs(engine, 3) for _ in range(4)]
    taken = [await each.take(2) for each in jobs]
    computed = [compute(batch, encoders()).features for batch in taken]
    await asyncio.gather(*(each.finish(shop_id, done, RULE) for each, done in zip(jobs, computed, strict=True)))
    found = await store.get(shop_id, [f"i{number}" for number in range(8)])
    assert len({item.near_duplicate_cluster for item in found.values()} - {0}) == 1


async def test_features_of_another_encoder_are_renewed(engine, make_item, shop_id):
    class Newer(SmallImageEncoder):
        backbone_name = "newer/48"

    store, red = CatalogueStore(engine), picture("disc", "red")
    await store.put(shop_id, [make_item("a", red.sha256), make_item("b")], [red], NOW)
    await work(engine)
    jobs = FeatureJobs(engine, 3)
    assert await jobs.renew(SmallImageEncoder.backbone_name, SmallTextEncoder.encoder_name) == 0
    assert await jobs.renew(Newer.backbone_name, SmallTextEncoder.encoder_name) >= 2
    async with engine.begin() as connection:
        queued = await connection.execute(
            sa.select(feature_jobs.c.item_id, feature_jobs.c.pictured).where(feature_jobs.c.shop_id == shop_id)
        )
        assert {row.item_id: row.pictured for row in queued} == {"a": True, "b": False}
    await work(engine, Encoders(Newer(), SmallTextEncoder()))
    assert (await FeatureStore(engine).newest_kind(shop_id)).image_backbone == "newer/48"
    changes = await FeatureStore(engine).changes(shop_id, Cursor(), 10)
    assert {each.image_backbone for each in changes.features} == {"newer/48"}


async def test_deleted_items_have_no_features_and_no_jobs(engine, make_item, shop_id):
    store, jobs = CatalogueStore(engine), FeatureJobs(engine, 3)
    await store.put(shop_id, [make_item("a"), make_item("b")], [], NOW)
    taken = await jobs.take(10)
    await store.delete(shop_id, ["a"])
    await jobs.finish(shop_id, compute(taken, encoders()).features, RULE)
    changes = await FeatureStore(engine).changes(shop_id, Cursor(), 10)
    assert [each.item_id for each in changes.features] == ["b"]
    assert (await FeatureStore(engine).progress(shop_id)).waiting == 0
