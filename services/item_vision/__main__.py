"""`python -m services.item_vision [serve | worker | migrate]`; settings come from VITRINE_<FIELD> (settings.py)."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.item_vision.catalogue_servicer import CatalogueServicer
from services.item_vision.fetch import PictureFetcher
from services.item_vision.holdings import Holdings
from services.item_vision.intake import PictureReader
from services.item_vision.model.encoders import (
    PICTURE_SIZE,
    ImageEncoder,
    ImageEncoderSettings,
    load_image_encoder,
    load_text_encoder,
)
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.text_encoders import RememberingTextEncoder
from services.item_vision.settings import ItemVisionSettings
from services.item_vision.sql.catalogue import CatalogueStore
from services.item_vision.sql.feature_jobs import FeatureJobs
from services.item_vision.sql.feature_store import FeatureStore
from services.item_vision.tables import SCHEMA
from services.item_vision.vision_release import VisionRelease
from services.item_vision.vision_servicer import ItemVisionServicer
from services.item_vision.worker import Encoders, Worker, WorkerSettings
from services.kit.database import create_engine
from services.kit.errors import DependencyDown
from services.kit.migrations import migrate
from services.kit.priority import give_way, give_way_as_group
from services.kit.readiness import ReadinessServicer
from services.kit.release import Release
from services.kit.release_watcher import ReleaseWatcher
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, run
from services.kit.settings import load
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.item_vision.v1.item_vision_pb2_grpc import (
    add_CatalogueServiceServicer_to_server,
    add_ItemVisionServiceServicer_to_server,
)

LOG = logging.getLogger(__name__)

MIGRATIONS: Final = Path(__file__).parent / "migrations"
DATABASE_RETRY_S: Final = 0.5


def definition(
    settings: ItemVisionSettings,
    load_encoder: Callable[[ImageEncoderSettings], ImageEncoder] = load_image_encoder,
) -> ServiceDefinition:
    """item_vision's server, ready to be served. Tests give an encoder of their own."""

    async def wire(runtime: Runtime) -> None:
        engine = create_engine(settings)
        runtime.resources.push_async_callback(engine.dispose)
        features = FeatureStore(engine)
        fetcher = PictureFetcher(settings.picture_folders, settings.picture_fetch_timeout_s)
        runtime.resources.push_async_callback(fetcher.close)

        async def load_release(release: Release) -> VisionRelease:
            read = await asyncio.to_thread(VisionRelease.read, release)
            shop_id = read.shop_id
            loaded = read.sharing(releases.get(shop_id, each) for each in releases.ready_ids(shop_id))
            await loaded.catch_up(features)
            return loaded

        releases: ReleaseWatcher[VisionRelease] = ReleaseWatcher(settings.releases_dir, load_release)
        holdings = Holdings(
            settings=settings,
            catalogue=CatalogueStore(engine),
            features=features,
            releases=releases,
            fetcher=fetcher,
            reader=PictureReader(fetcher, runtime.executor),
            executor=runtime.executor,
        )
        catalogue = runtime.register(add_CatalogueServiceServicer_to_server, CatalogueServicer(holdings))
        vision = runtime.register(add_ItemVisionServiceServicer_to_server, ItemVisionServicer(holdings))
        readiness = runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(releases))

        async def warm_up_catalogue() -> None:
            await _until_migrated(settings)
            await releases.look()
            runtime.background.spawn("release_watch", releases.watch())
            runtime.background.spawn("vectors", _keep_vectors(releases, features, settings.vectors_poll_s))

        async def warm_up_encoder() -> None:
            encoder = await asyncio.to_thread(load_encoder, settings.image_encoder())
            await asyncio.to_thread(encoder.encode, _blank_picture())
            holdings.encoder.set_result(encoder)

        runtime.warm_up(warm_up_catalogue, serves=[catalogue, vision, readiness])
        runtime.warm_up(warm_up_encoder, serves=[vision])

    return ServiceDefinition("item_vision", settings, wire)


def worker_definition(settings: ItemVisionSettings) -> ServiceDefinition:
    """The picture worker: serves health only, and works."""

    async def wire(runtime: Runtime) -> None:
        engine = create_engine(settings)
        runtime.resources.push_async_callback(engine.dispose)

        async def load_release(release: Release) -> VisionRelease:
            return await asyncio.to_thread(VisionRelease.read, release)

        releases: ReleaseWatcher[VisionRelease] = ReleaseWatcher(settings.releases_dir, load_release)

        def rule_of(shop_id: str) -> NearDuplicateRule:
            stable = releases.labels(shop_id).stable
            if stable is None or stable not in releases.ready_ids(shop_id):
                return NearDuplicateRule()
            heads = releases.get(shop_id, stable).heads
            return heads.near_duplicate if heads else NearDuplicateRule()

        async def warm_up() -> None:
            image, text = await asyncio.gather(
                asyncio.to_thread(load_image_encoder, settings.image_encoder()),
                asyncio.to_thread(load_text_encoder, settings.text_encoder),
            )
            await _until_migrated(settings)
            work = WorkerSettings(
                settings.worker_batch_items,
                settings.worker_idle_s,
                settings.worker_attempts,
                settings.worker_wordy_batch_items,
            )
            jobs = FeatureJobs(engine, settings.worker_attempts, settings.worker_lease_s)
            worker = Worker(jobs, Encoders(image, RememberingTextEncoder(text)), work, rule_of)
            runtime.background.spawn("release_watch", releases.watch())
            runtime.background.spawn("feature_jobs", worker.run())
            runtime.background.spawn("feature_queue", worker.watch_queue())
            # Not before: whoever starts an ensemble waits for the worker to be ready.
            await asyncio.to_thread(give_way_as_group, settings.worker_niceness)

        runtime.warm_up(warm_up)

    return ServiceDefinition("item_vision_worker", settings, wire)


async def _until_migrated(settings: ItemVisionSettings) -> None:
    """Bring the schema up to date; a process that starts before its database waits, NOT_SERVING, instead of ending."""
    while True:
        try:
            return await migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA)
        except DependencyDown as error:
            LOG.warning("waiting for the database: %s", error.message)
            await asyncio.sleep(DATABASE_RETRY_S)


async def _keep_vectors(releases: ReleaseWatcher[VisionRelease], features: FeatureStore, poll_s: float) -> None:
    while True:
        try:
            for shop_id in releases.known_shops():
                for release_id in releases.ready_ids(shop_id):
                    await releases.get(shop_id, release_id).catch_up(features)
        except DependencyDown as error:
            LOG.info("vectors wait for the database: %s", error.message)
        await asyncio.sleep(poll_s)


def _blank_picture() -> NDArray[np.uint8]:
    return np.zeros((1, PICTURE_SIZE, PICTURE_SIZE, 3), np.uint8)


def main() -> None:
    """Serve, work, or bring the schema up to date and end."""
    command = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if command not in ("serve", "worker", "migrate"):
        raise SystemExit(f"unknown command {command!r}: say serve, worker or migrate")
    settings = load(ItemVisionSettings)
    if command == "migrate":
        asyncio.run(migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA))
    elif command == "worker":
        give_way(settings.worker_niceness)
        run(worker_definition(settings))
    else:
        run(definition(settings))


if __name__ == "__main__":
    main()
