"""A real page_composer on PostgreSQL, with each neighbour in a server of its own that can be stopped and started
again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from services.kit.readiness import ReadinessServicer
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings
from services.page_composer.settings import PageComposerSettings
from services.page_composer.wiring import definition
from tests.contract.page_composer.houses import neighbours
from tests.fakes import page_release
from tests.fakes.database_proxy import DatabaseProxy
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.page_composer import NOW_S
from tests.small_shop import small_items
from vitrine.common.v1 import common_pb2
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.item_vision.v1.item_vision_pb2_grpc import add_CatalogueServiceServicer_to_server
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.page_composer.v1.merchandising_pb2_grpc import MerchandisingServiceStub
from vitrine.page_composer.v1.page_composer_pb2_grpc import PageComposerServiceStub
from vitrine.ranker.v1.ranker_pb2_grpc import add_RankerServiceServicer_to_server
from vitrine.user_profile.v1.user_profile_pb2_grpc import add_UserProfileServiceServicer_to_server

SHOP = "boutique"


@dataclass
class Server:
    """One neighbour's server, at an address that stays."""

    definition: ServiceDefinition
    address: str = "127.0.0.1:0"
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Serve, at the same address as before."""
        self.address = await self._stack.enter_async_context(running(self.definition, self.address))

    async def stop(self) -> None:
        """Be gone, as after a kill."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()


@dataclass
class Ensemble:
    """A running page_composer and its surroundings."""

    pages: PageComposerServiceStub
    merchandising: MerchandisingServiceStub
    servers: dict[str, Server]
    """By dependency: user_profile, item_vision, ranker."""
    fakes: Any
    """The neighbours' servicers: user_profile, ranker, catalogue."""
    database: DatabaseProxy
    releases_dir: Path
    release_id: str

    async def compose(self, request_id: str = "page-1", timeout: float = 20.0, **fields: Any) -> pb.Page:
        """One page of ada's, unless told otherwise."""
        visit = fields.pop("visit", None) or common_pb2.VisitContext(user_id="ada", region="DE")
        asked = pb.ComposePageRequest(shop_id=SHOP, request_id=request_id, visit=visit, **fields)
        return (await self.pages.ComposePage(asked, timeout=timeout)).page

    async def until(self, holds: Callable[[pb.Page], bool], **fields: Any) -> pb.Page:
        """The first page of which something holds; it has to come true within half a minute."""
        async with asyncio.timeout(30):
            number = 0
            while True:
                number += 1
                page = await self.compose(f"waiting-{number}", **fields)
                if holds(page):
                    return page


@asynccontextmanager
async def ensemble(
    dsn: str,
    releases_dir: Path,
    *,
    without: tuple[str, ...] = (),
    prepare: Callable[[Any], Awaitable[None]] | None = None,
    publish: bool = True,
) -> AsyncIterator[Ensemble]:
    """Everything up, but for the dependencies named in `without` ("database" among them)."""
    release_id = page_release.publish(releases_dir, SHOP, small_items()) if publish else "r20260228000000"
    fakes = neighbours(SHOP, release_id)
    if prepare is not None:
        await prepare(fakes)
    servers = {
        "user_profile": Server(
            _serving(add_UserProfileServiceServicer_to_server, fakes.user_profile, fakes.user_profile.releases)
        ),
        "item_vision": Server(_serving(add_CatalogueServiceServicer_to_server, fakes.catalogue, fakes.catalogue)),
        "ranker": Server(_serving(add_RankerServiceServicer_to_server, fakes.ranker, fakes.ranker)),
    }
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(DatabaseProxy(dsn))
        for server in servers.values():
            await server.start()  # so that each has an address
            stack.push_async_callback(server.stop)
        for name in without:
            await (proxy.cut() if name == "database" else servers[name].stop())
        settings = PageComposerSettings(
            database_dsn=proxy.dsn,
            pseudonym_key=PSEUDONYM_KEY,
            tracking_key=TRACKING_KEY.decode(),
            releases_dir=releases_dir,
            drain_seconds=1.0,
            **{f"{name}_addresses": server.address for name, server in servers.items()},
        )
        address = await stack.enter_async_context(running(definition(settings, lambda: NOW_S)))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        pages, merchandising = PageComposerServiceStub(channel), MerchandisingServiceStub(channel)
        yield Ensemble(pages, merchandising, servers, fakes, proxy, releases_dir, release_id)


def _serving(add: Callable[[Any, Any], None], servicer: object, releases: Any) -> ServiceDefinition:
    async def wire(runtime: Runtime) -> None:
        runtime.register(add, servicer)
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(releases))

    return ServiceDefinition("neighbour", ServiceSettings(drain_seconds=0.2), wire)
