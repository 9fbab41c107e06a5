"""The two servers that the contract suite of the ranker is held against: the real one with a real model server and
small neighbours, and the fake.
"""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import grpc

from services.kit.readiness import ReadinessServicer
from services.kit.release import ReleaseDirectory
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from services.ranker.__main__ import definition
from services.ranker.model_server.__main__ import definition as model_server_definition
from services.ranker.model_server.settings import ModelServerSettings
from services.ranker.settings import RankerSettings
from tests.contract.patience import PATIENCE_MS, patient
from tests.fakes.ranker import FakeRanker
from tests.fakes.release_service import FakeReleases
from tests.fakes.vector_catalogue import VectorCatalogue
from tests.releases import SmallRelease, copied, republish, republish_unexplained
from tests.small_shop import small_items
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.item_vision.v1.item_vision_pb2_grpc import add_CatalogueServiceServicer_to_server
from vitrine.ranker.v1.ranker_pb2_grpc import (
    RankerServiceStub,
    ReleaseServiceStub,
    add_RankerServiceServicer_to_server,
    add_ReleaseServiceServicer_to_server,
)

_HOURS = count(1)
DRAIN_S = 0.2


@dataclass
class House:
    """A running ranker and what a test may do to it."""

    ranker: RankerServiceStub
    releases: ReleaseServiceStub
    shop_id: str
    release_id: str
    """Of that shop, stable."""
    user_space: str
    stop_model_server: Callable[[], Awaitable[None]]
    start_model_server: Callable[[], Awaitable[None]]
    publish: Callable[[str], str]
    """Publishes a shop's next release, without a label; answers its id."""
    not_ready: set[str]
    """Services of this set report nothing ready: "user_profile", "item_vision", "page_composer"."""
    meddle: Callable[[str, str], None]
    """(shop, release): while the next promotion or rollback waits, another replica makes the release the canary."""
    publish_unexplained: Callable[[str], str]
    """The same for a release whose model cannot explain itself."""
    publish_without: Callable[[str, Collection[str]], str]
    """(shop, sources): the same for a release that does not ship these sources."""
    catalogue: VectorCatalogue | None = None
    """What the real ranker reads items from."""


class ReadyOnDisk:
    """Reports every release of the folder ready, unless its service is in `not_ready`.

    What stands in `meanwhile` is done once, when somebody asks.
    """

    def __init__(
        self, service: str, releases_dir: Path, not_ready: set[str], meanwhile: list[Callable[[], None]]
    ) -> None:
        self._service, self._root, self._not_ready, self._meanwhile = service, releases_dir, not_ready, meanwhile

    def ready_ids(self, shop_id: str) -> list[str]:
        while self._meanwhile:
            self._meanwhile.pop()()
        return [] if self._service in self._not_ready else ReleaseDirectory(self._root, shop_id).list_ids()


def free_address() -> str:
    """An address that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@dataclass
class Neighbourhood:
    """The services around the real ranker: readiness of three, the catalogue, and a model server to stop and start."""

    releases_dir: Path
    catalogue: VectorCatalogue
    not_ready: set[str] = field(default_factory=set)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    model_address: str = field(default_factory=free_address)
    _model_server: Any = None

    async def open(self, service: str) -> str:
        """Start a neighbour; answers its address."""

        async def wire(runtime: Runtime) -> None:
            ready = ReadyOnDisk(service, self.releases_dir, self.not_ready, self.meanwhile)
            runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(ready))
            if service == "item_vision":
                runtime.register(add_CatalogueServiceServicer_to_server, self.catalogue)

        served = ServiceDefinition(service, patient(DRAIN_S), wire)
        return await self.stack.enter_async_context(running(served))

    async def start_model_server(self) -> None:
        settings = ModelServerSettings(
            default_deadline_ms=PATIENCE_MS, releases_dir=self.releases_dir, poll_s=0.05, drain_seconds=DRAIN_S
        )
        self._model_server = running(model_server_definition(settings), self.model_address)
        await self._model_server.__aenter__()

    async def stop_model_server(self) -> None:
        server, self._model_server = self._model_server, None
        if server is not None:
            await server.__aexit__(None, None, None)


@asynccontextmanager
async def real_house(small_release: SmallRelease, releases_dir: Path, known_items: int = 64) -> AsyncIterator[House]:
    """The real service; items 60 and up are newer than the release."""
    release = copied(small_release, releases_dir)
    catalogue = VectorCatalogue(small_items(known_items))
    around = Neighbourhood(releases_dir, catalogue)
    address = free_address()
    async with around.stack as stack:
        settings = RankerSettings(
            default_deadline_ms=PATIENCE_MS,
            releases_dir=releases_dir,
            user_profile_addresses=await around.open("user_profile"),
            item_vision_addresses=await around.open("item_vision"),
            page_composer_addresses=await around.open("page_composer"),
            ranker_addresses=address,
            model_server_addresses=around.model_address,
            drain_seconds=DRAIN_S,
            promotion_wait_s=50.0,
            model_timeout_ms=5_000,  # a busy machine is no model server that is down
        )
        await around.start_model_server()
        stack.push_async_callback(around.stop_model_server)
        await stack.enter_async_context(running(definition(settings), address))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))

        def publish(shop_id: str) -> str:
            return republish(release, timedelta(hours=next(_HOURS)), shop_id)

        def meddle(shop_id: str, release_id: str) -> None:
            directory = ReleaseDirectory(releases_dir, shop_id)
            around.meanwhile.append(
                lambda: directory.write_labels(directory.labels().model_copy(update={"canary": release_id}))
            )

        yield House(
            RankerServiceStub(channel),
            ReleaseServiceStub(channel),
            release.shop_id,
            release.release_id,
            release.release.manifest.spaces["user"],
            around.stop_model_server,
            around.start_model_server,
            publish,
            around.not_ready,
            meddle,
            lambda shop_id: republish_unexplained(release, timedelta(hours=next(_HOURS)), shop_id),
            lambda shop_id, without: republish(release, timedelta(hours=next(_HOURS)), shop_id, without),
            catalogue,
        )


@asynccontextmanager
async def fake_house() -> AsyncIterator[House]:
    """The fake behind the same interceptor as every server."""
    release_id = "r20260301000000"
    ranker, releases = FakeRanker([item.facts() for item in small_items(64)], [release_id]), FakeReleases()
    ranker.user_space = "0123456789abcdef"

    async def wire(runtime: Runtime) -> None:
        runtime.register(add_RankerServiceServicer_to_server, ranker)
        runtime.register(add_ReleaseServiceServicer_to_server, releases)

    async def set_model_down(down: bool) -> None:
        ranker.model_down = down

    def publish(shop_id: str) -> str:
        published = f"r{int(release_id[1:]) + next(_HOURS)}"
        releases.put(shop_id, published)
        return published

    def publish_unexplained(shop_id: str) -> str:
        published = publish(shop_id)
        ranker.ready.append(published)
        ranker.unexplained.add(published)
        return published

    def publish_without(shop_id: str, sources: Collection[str]) -> str:
        published = publish(shop_id)
        ranker.ready.append(published)
        ranker.not_shipped[published] = frozenset(sources)
        return published

    served = ServiceDefinition("ranker", patient(DRAIN_S), wire)
    async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
        yield House(
            RankerServiceStub(channel),
            ReleaseServiceStub(channel),
            "boutique",
            release_id,
            ranker.user_space,
            lambda: set_model_down(True),
            lambda: set_model_down(False),
            publish,
            releases.not_ready,
            releases.meddle,
            publish_unexplained,
            publish_without,
        )
