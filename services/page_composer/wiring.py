"""The one place where page_composer's parts are put together."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.kit.channels import client_credentials, load_service_config
from services.kit.database import create_engine
from services.kit.errors import DependencyDown
from services.kit.migrations import migrate
from services.kit.pseudonyms import Pseudonyms
from services.kit.readiness import ReadinessServicer
from services.kit.release_watcher import ReleaseWatcher
from services.kit.replicas import Replicas
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition
from services.kit.upstream import Upstream
from services.page_composer.brief import Settings
from services.page_composer.catalogue_feed import CatalogueFeed
from services.page_composer.compose import Composer
from services.page_composer.dependencies import Dependencies
from services.page_composer.experiment_servicer import ExperimentServicer
from services.page_composer.keeping import Keeping
from services.page_composer.merchandise import Merchandise
from services.page_composer.merchandise_feed import MerchandiseFeed
from services.page_composer.merchandising_servicer import MerchandisingServicer
from services.page_composer.page_log import Erasures, PageLog
from services.page_composer.page_release import PageRelease, load_page_release
from services.page_composer.releases import Readiness, Releases
from services.page_composer.segment_warming import SegmentWarming
from services.page_composer.servicer import PageComposerServicer
from services.page_composer.settings import PageComposerSettings
from services.page_composer.shops import Shop, Shops
from services.page_composer.store.decision_store import DecisionStore
from services.page_composer.store.page_store import PageStore
from services.page_composer.tables import SCHEMA
from services.page_composer.template import read_templates
from services.page_composer.upstreams import CatalogueUpstream, ProfileUpstream, RankerUpstream
from services.page_composer.weights_folder import WeightsFolder
from services.page_composer.wording import Wording
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.page_composer.v1.experiment_pb2_grpc import add_ExperimentServiceServicer_to_server
from vitrine.page_composer.v1.merchandising_pb2_grpc import add_MerchandisingServiceServicer_to_server
from vitrine.page_composer.v1.page_composer_pb2_grpc import add_PageComposerServiceServicer_to_server

LOG = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

FIRST_LOOK_S = 3.0
"""How long the start waits for rules and catalogues; pages can be made without."""
ADOPT_S = 1.0
STRANGERS_KEPT_S = 60.0
"""A shop that somebody asked for and that turns out to have nothing is let go after this time."""
DATABASE_RETRY_S = 1.0
HOUSEKEEPING_S = 3_600.0


def definition(settings: PageComposerSettings, clock: Callable[[], float] = time.time) -> ServiceDefinition:
    """page_composer, ready to be served. Tests give a clock of their own, in Unix time."""

    async def wire(runtime: Runtime) -> None:
        await Wiring(settings, clock, runtime).wire()

    return ServiceDefinition("page_composer", settings, wire)


class Wiring:
    """Opens what one process needs, registers its services, and starts its loops."""

    def __init__(self, settings: PageComposerSettings, clock: Callable[[], float], runtime: Runtime) -> None:
        self._settings = settings
        self._clock = clock
        self._runtime = runtime
        self._migrated = asyncio.Event()

    async def wire(self) -> None:
        """Wire everything; nothing is asked of others yet."""
        settings, runtime = self._settings, self._runtime
        engine = create_engine(settings)
        runtime.resources.push_async_callback(engine.dispose)
        self._decisions, self._pages = DecisionStore(engine), PageStore(engine)
        user_profile = self._open("user_profile", settings.user_profile_addresses)
        item_vision = self._open("item_vision", settings.item_vision_addresses)
        ranker = RankerUpstream(self._open("ranker", settings.ranker_addresses))
        self._catalogue, self._erasures = CatalogueFeed(item_vision), Erasures(user_profile, self._pages)
        self._weights = WeightsFolder(settings.weights_dir)
        self._watcher: ReleaseWatcher[PageRelease] = ReleaseWatcher(settings.releases_dir, load_page_release)
        self._readiness = Readiness(self._neighbours())
        runtime.resources.push_async_callback(self._readiness.close)
        releases = Releases(self._watcher, self._readiness)
        built_in = read_templates()
        self._merchandise = MerchandiseFeed(self._decisions, built_in)
        self._shops = Shops(Merchandise(built_in), self._follow)
        self._warming = SegmentWarming(self._shops, releases, ranker, self._clock)
        log = PageLog(
            self._pages,
            Pseudonyms(settings.pseudonym_key.get_secret_value()),
            lambda: self._weights.weights().coupon_redemption_rate,
        )
        await runtime.resources.enter_async_context(log.writer)
        wording = Wording.read()
        composer = Composer(
            self._shops,
            releases,
            Dependencies(ProfileUpstream(user_profile), ranker, CatalogueUpstream(item_vision), log),
            log,
            Settings(wording, self._weights.weights, self._weights.posterior, settings.assumed_visitor_age),
        )
        self._register(composer, wording)
        runtime.warm_up(self._warm_up)

    def _register(self, composer: Composer, wording: Wording) -> None:
        runtime, key = self._runtime, self._settings.tracking_key.get_secret_value().encode()
        keeping = Keeping(self._decisions, self._shops, self._merchandise)
        language = (wording, self._settings.default_locale)
        pages = PageComposerServicer(composer, self._shops, self._pages, key, language, self._clock)
        runtime.register(add_PageComposerServiceServicer_to_server, pages)
        runtime.register(add_MerchandisingServiceServicer_to_server, MerchandisingServicer(keeping, read_templates()))
        runtime.register(add_ExperimentServiceServicer_to_server, ExperimentServicer(keeping, self._shops, self._clock))
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(self._watcher))

    async def _warm_up(self) -> None:
        """Load releases, take on their shops, and start the loops. Whatever is down is waited for a moment only."""
        spawn = self._runtime.background.spawn
        await self._watcher.look()
        shops = [self._shops.open(shop_id) for shop_id in self._watcher.known_shops()]
        spawn("database", self._prepare_database())
        spawn("release_watch", self._watcher.watch())
        spawn("weights", self._weights.watch())
        spawn("adopt_shops", self._adopt())
        await self._readiness.look(self._watcher.known_shops())
        spawn("readiness", self._watch_readiness())
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                for shop in shops:
                    await shop.merchandise_tried.wait()
                    await shop.index_read.wait()
        spawn("segment_pools", self._warming.keep_warm())

    def _open(self, name: str, addresses: tuple[str, ...]) -> Upstream:
        credentials = client_credentials(self._settings)
        upstream = Upstream.open(name, addresses, retries_of(f"vitrine.{name}.v1"), credentials=credentials)
        self._runtime.resources.push_async_callback(upstream.close)
        upstream.channel.get_state(try_to_connect=True)  # the first page should not pay for connecting
        return upstream

    def _neighbours(self) -> list[Replicas]:
        """The other services, to ask each replica what it has ready."""
        credentials = client_credentials(self._settings)
        return [
            Replicas(f"{name}_readiness", getattr(self._settings, f"{name}_addresses"), credentials)
            for name in ("user_profile", "item_vision", "ranker")
        ]

    def _follow(self, shop: Shop) -> None:
        spawn = self._runtime.background.spawn
        shop.tasks += [
            spawn("catalogue_feed", self._catalogue.follow(shop)),
            spawn("erasures", self._follow_erasures(shop.shop_id)),
        ]
        if self._migrated.is_set():
            shop.tasks.append(spawn("first_merchandise", self._merchandise.look(self._shops)))

    async def _watch_readiness(self) -> None:
        while True:
            await asyncio.sleep(ADOPT_S)
            await self._readiness.look(self._watcher.known_shops())

    async def _adopt(self) -> None:
        """Take on shops whose first release appears; let go of strangers that turned out to have nothing."""
        loop = asyncio.get_running_loop()
        strange_since_s: dict[str, float] = {}
        while True:
            await asyncio.sleep(ADOPT_S)
            known = self._watcher.known_shops()
            for shop_id in known:
                self._shops.open(shop_id)
            strange = {each.shop_id for each in self._shops.all() if not each.is_known} - set(known)
            now_s = loop.time()
            strange_since_s = {shop_id: strange_since_s.get(shop_id, now_s) for shop_id in strange}
            for shop_id, since_s in strange_since_s.items():
                if now_s - since_s > STRANGERS_KEPT_S:
                    self._shops.let_go(shop_id)

    async def _prepare_database(self) -> None:
        """Bring the schema up to date as soon as PostgreSQL answers; then follow decisions and keep house."""
        dsn = self._settings.database_dsn.get_secret_value()
        while not self._migrated.is_set():
            try:
                await migrate(dsn, MIGRATIONS, SCHEMA)
                self._migrated.set()
            except DependencyDown as down:
                LOG.warning("waiting for the database: %s", down.message)
                self._merchandise.missed(self._shops, down.cause)
                await asyncio.sleep(DATABASE_RETRY_S)
        self._runtime.background.spawn("merchandise", self._merchandise.watch(self._shops))
        await self._keep_house()

    async def _keep_house(self) -> None:
        kept = timedelta(days=self._settings.page_log_days)
        while True:
            try:
                await self._pages.keep_house(datetime.fromtimestamp(self._clock(), UTC), kept)
                pause_s = HOUSEKEEPING_S
            except DependencyDown as down:
                LOG.warning("the page log's partitions cannot be kept: %s", down.message)
                pause_s = DATABASE_RETRY_S
            await asyncio.sleep(pause_s)

    async def _follow_erasures(self, shop_id: str) -> None:
        await self._migrated.wait()
        await self._erasures.follow(shop_id)


def retries_of(package: str) -> dict[str, Any]:
    """The retry policies beside a contract, without its time-outs: every call here has a share of the page's
    deadline as its own.
    """
    config = load_service_config(package)
    methods = [{key: value for key, value in each.items() if key != "timeout"} for each in config["methodConfig"]]
    return {**config, "methodConfig": methods}
