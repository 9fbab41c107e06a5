"""The two servers that the contract suites of page_composer are held against: the real one on PostgreSQL with fake
services around it, and the fake.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from services.kit.readiness import ReadinessServicer
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings
from services.page_composer.settings import PageComposerSettings
from services.page_composer.wiring import definition
from tests.contract.patience import PATIENCE_MS, patient
from tests.fakes import page_release
from tests.fakes.database_proxy import DatabaseProxy
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.page_composer import NOW_S, FakePageComposer
from tests.fakes.ranker import FakeRanker
from tests.fakes.small_catalogue import SmallCatalogue
from tests.fakes.user_profile import FakeUserProfile
from tests.fakes.user_profile_release import small_release
from tests.small_shop import small_items
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.item_vision.v1.item_vision_pb2_grpc import add_CatalogueServiceServicer_to_server
from vitrine.page_composer.v1.experiment_pb2_grpc import ExperimentServiceStub, add_ExperimentServiceServicer_to_server
from vitrine.page_composer.v1.merchandising_pb2_grpc import (
    MerchandisingServiceStub,
    add_MerchandisingServiceServicer_to_server,
)
from vitrine.page_composer.v1.page_composer_pb2_grpc import (
    PageComposerServiceStub,
    add_PageComposerServiceServicer_to_server,
)
from vitrine.ranker.v1.ranker_pb2_grpc import add_RankerServiceServicer_to_server
from vitrine.user_profile.v1 import user_profile_pb2
from vitrine.user_profile.v1.user_profile_pb2_grpc import add_UserProfileServiceServicer_to_server


@dataclass
class House:
    """A running page_composer and what a test may do to it."""

    pages: PageComposerServiceStub
    merchandising: MerchandisingServiceStub
    experiments: ExperimentServiceStub
    shop_id: str
    """A shop of the test's own, with 60 items and a stable release."""
    profiles: dict[str, user_profile_pb2.Profile]
    """What user_profile answers, by user_id."""
    ranker: FakeRanker
    catalogue: SmallCatalogue
    break_database: Callable[[], Awaitable[None]]


@dataclass
class Neighbours:
    """The services around the real page_composer, all in one server."""

    user_profile: FakeUserProfile
    ranker: FakeRanker
    catalogue: SmallCatalogue

    def definition(self) -> ServiceDefinition:
        async def wire(runtime: Runtime) -> None:
            runtime.register(add_UserProfileServiceServicer_to_server, self.user_profile)
            runtime.register(add_CatalogueServiceServicer_to_server, self.catalogue)
            runtime.register(add_RankerServiceServicer_to_server, self.ranker)
            runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(self.ranker))

        return ServiceDefinition(
            "neighbours", ServiceSettings(drain_seconds=0.5, default_deadline_ms=PATIENCE_MS), wire
        )


def neighbours(shop_id: str, release_id: str) -> Neighbours:
    """Services that know the small shop and the release."""
    facts = [item.facts() for item in small_items()]
    user_profile = FakeUserProfile(clock_us=lambda: int(NOW_S * 1e6))
    user_profile.releases.put(shop_id, small_release(release_id))
    return Neighbours(user_profile, FakeRanker(facts, [release_id]), SmallCatalogue(facts, [release_id], shop_id))


def settings_of(dsn: str, address: str, releases_dir: Path, **more: Any) -> PageComposerSettings:
    """Settings of a page_composer whose neighbours are all at one address."""
    return PageComposerSettings(
        default_deadline_ms=PATIENCE_MS,
        database_dsn=dsn,
        pseudonym_key=PSEUDONYM_KEY,
        tracking_key=TRACKING_KEY.decode(),
        releases_dir=releases_dir,
        user_profile_addresses=address,
        item_vision_addresses=address,
        ranker_addresses=address,
        drain_seconds=1.0,
        **more,
    )


@asynccontextmanager
async def real_house(dsn: str, releases_dir: Path, shop_id: str) -> AsyncIterator[House]:
    """The real service over a database that can be cut."""
    around = neighbours(shop_id, page_release.publish(releases_dir, shop_id, small_items()))
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(DatabaseProxy(dsn))
        nearby = await stack.enter_async_context(running(around.definition()))
        served = definition(settings_of(proxy.dsn, nearby, releases_dir), lambda: NOW_S)
        address = await stack.enter_async_context(running(served))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        yield House(
            *_stubs(channel),
            shop_id,
            around.user_profile.profiles,
            around.ranker,
            around.catalogue,
            proxy.cut,
        )


@asynccontextmanager
async def fake_house(shop_id: str) -> AsyncIterator[House]:
    """The fake behind the same interceptor as every server."""
    fake = FakePageComposer([shop_id])

    async def wire(runtime: Runtime) -> None:
        runtime.register(add_PageComposerServiceServicer_to_server, fake.pages)
        runtime.register(add_MerchandisingServiceServicer_to_server, fake.merchandising)
        runtime.register(add_ExperimentServiceServicer_to_server, fake.experiments)

    async def break_database() -> None:
        fake.decisions.down = fake.log.down = True

    served = ServiceDefinition("page_composer", patient(1.0), wire)
    async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
        profiles = fake.profiles.profiles
        yield House(*_stubs(channel), shop_id, profiles, fake.ranker, fake.catalogue, break_database)


def _stubs(
    channel: grpc.aio.Channel,
) -> tuple[PageComposerServiceStub, MerchandisingServiceStub, ExperimentServiceStub]:
    return PageComposerServiceStub(channel), MerchandisingServiceStub(channel), ExperimentServiceStub(channel)
