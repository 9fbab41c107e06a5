"""The two servers that the contract suite of item_vision is held against: the real one on PostgreSQL, and the fake."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from services.item_vision.__main__ import definition
from services.item_vision.settings import ItemVisionSettings
from services.item_vision.sql.feature_jobs import FeatureJobs
from services.item_vision.worker import Encoders, Worker, WorkerSettings
from services.kit.database import create_engine
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from tests.contract.patience import PATIENCE_MS, patient
from tests.fakes.database_proxy import DatabaseProxy
from tests.fakes.item_vision import FakeItemVision
from tests.fakes.small_encoders import RULE, SmallImageEncoder, SmallTextEncoder, publish, small_release
from vitrine.item_vision.v1 import item_vision_pb2 as pb
from vitrine.item_vision.v1.item_vision_pb2_grpc import (
    CatalogueServiceStub,
    ItemVisionServiceStub,
    add_CatalogueServiceServicer_to_server,
    add_ItemVisionServiceServicer_to_server,
)

_SHOPS = count(1)
PATIENCE_S = 20.0


@dataclass
class House:
    """A running item_vision and what a test may do to it."""

    address: str
    catalogue: CatalogueServiceStub
    vision: ItemVisionServiceStub
    shop_id: str
    """A shop of the test's own, with a stable release and a picture folder."""
    release_id: str
    picture_folder: Path
    encoder: SmallImageEncoder
    """The worker's; `broken` makes every picture fail."""
    work: Callable[[], Awaitable[None]]
    """Compute the features of everything that waits, and have them in the release's vectors."""
    break_database: Callable[[], Awaitable[None]]
    mend_database: Callable[[], Awaitable[None]]


@asynccontextmanager
async def real_house(dsn: str, folder: Path) -> AsyncIterator[House]:
    """The real service over a proxy that can be cut; the worker is run by the test."""
    shop_id, encoder = f"vision-{next(_SHOPS)}", SmallImageEncoder()
    release_id = publish(folder / "releases", shop_id).release_id
    (folder / "pictures").mkdir()
    async with DatabaseProxy(dsn) as proxy:
        settings = ItemVisionSettings(
            default_deadline_ms=PATIENCE_MS,
            database_dsn=proxy.dsn,
            releases_dir=folder / "releases",
            drain_seconds=1.0,
            picture_folders={shop_id: folder / "pictures"},
            watch_poll_s=0.02,
            vectors_poll_s=0.02,
        )
        served = definition(settings, lambda _: SmallImageEncoder())
        engine = create_engine(settings)
        async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
            catalogue, vision = CatalogueServiceStub(channel), ItemVisionServiceStub(channel)

            async def work() -> None:
                await _work_off(engine, encoder)
                await _vectors_there(catalogue, shop_id, release_id)

            try:
                yield House(
                    address,
                    catalogue,
                    vision,
                    shop_id,
                    release_id,
                    folder / "pictures",
                    encoder,
                    work,
                    proxy.cut,
                    proxy.restore,
                )
            finally:
                await engine.dispose()


@asynccontextmanager
async def fake_house(folder: Path) -> AsyncIterator[House]:
    """The fake behind the same interceptor as every server."""
    shop_id, release_id = f"vision-{next(_SHOPS)}", "r20260101000000"
    (folder / "pictures").mkdir()
    fake = FakeItemVision({shop_id: folder / "pictures"})
    fake.releases.put(shop_id, small_release(shop_id, release_id))

    async def wire(runtime: Runtime) -> None:
        runtime.register(add_CatalogueServiceServicer_to_server, fake.catalogue)
        runtime.register(add_ItemVisionServiceServicer_to_server, fake.vision)
        runtime.resources.push_async_callback(fake.close)

    async def set_down(*, down: bool) -> None:
        fake.store.down = down

    served = ServiceDefinition("item_vision", patient(1.0), wire)
    async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
        yield House(
            address,
            CatalogueServiceStub(channel),
            ItemVisionServiceStub(channel),
            shop_id,
            release_id,
            folder / "pictures",
            fake.encoder,
            lambda: fake.compute_features(shop_id),
            lambda: set_down(down=True),
            lambda: set_down(down=False),
        )


async def _work_off(engine: AsyncEngine, encoder: SmallImageEncoder) -> None:
    jobs = FeatureJobs(engine, attempt_limit=1)
    worker = Worker(jobs, Encoders(encoder, SmallTextEncoder()), WorkerSettings(32, 0.01, 1), lambda _: RULE)
    while await worker.work_once():
        pass


async def _vectors_there(catalogue: CatalogueServiceStub, shop_id: str, release_id: str) -> None:
    """Wait until the server has taken in as many features as are computed."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            progress = await catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=shop_id))
            asked = pb.ListItemsRequest(shop_id=shop_id, vector_release_id=release_id)
            listed = (await catalogue.ListItems(asked)).items
            if sum(bool(item.vectors) for item in listed) >= progress.done_count:
                return
            await asyncio.sleep(0.02)
