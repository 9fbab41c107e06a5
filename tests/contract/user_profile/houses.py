"""The two servers that the contract suite of user_profile is held against: the real one on PostgreSQL, and the fake."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import grpc

from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from services.user_profile.__main__ import definition
from services.user_profile.settings import UserProfileSettings
from tests.contract.patience import PATIENCE_MS, patient
from tests.fakes.database_proxy import DatabaseProxy
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.user_profile import NOW_US, FakeUserProfile
from tests.fakes.user_profile_release import publish, small_release
from vitrine.user_profile.v1.user_profile_pb2_grpc import (
    UserProfileServiceStub,
    add_UserProfileServiceServicer_to_server,
)

_SHOPS = count(1)


class Clock:
    """The service's time, moved by the test."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us


@dataclass
class House:
    """A running user_profile and what a test may do to it."""

    stub: UserProfileServiceStub
    shop_id: str
    """A shop of the test's own, with a stable release."""
    release_id: str
    clock: Clock
    break_database: Callable[[], Awaitable[None]]
    mend_database: Callable[[], Awaitable[None]]


@asynccontextmanager
async def real_house(dsn: str, releases_dir: Path) -> AsyncIterator[House]:
    """The real service over a proxy that can be cut."""
    shop_id, clock = f"shop-{next(_SHOPS)}", Clock()
    release_id = publish(releases_dir, shop_id)
    async with DatabaseProxy(dsn) as proxy:
        settings = UserProfileSettings(
            default_deadline_ms=PATIENCE_MS,
            database_dsn=proxy.dsn,
            pseudonym_key=PSEUDONYM_KEY,
            tracking_key=TRACKING_KEY.decode(),
            releases_dir=releases_dir,
            drain_seconds=1.0,
            deletion_poll_s=0.02,
        )
        async with (
            running(definition(settings, clock)) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            stub = UserProfileServiceStub(channel)
            yield House(stub, shop_id, release_id, clock, proxy.cut, proxy.restore)


@asynccontextmanager
async def fake_house() -> AsyncIterator[House]:
    """The fake behind the same interceptor as every server."""
    shop_id, clock = f"shop-{next(_SHOPS)}", Clock()
    fake = FakeUserProfile(clock_us=clock)
    release = small_release()
    fake.releases.put(shop_id, release)

    async def wire(runtime: Runtime) -> None:
        runtime.register(add_UserProfileServiceServicer_to_server, fake)

    async def set_down(*, down: bool) -> None:
        fake.store.down = down

    served = ServiceDefinition("user_profile", patient(1.0), wire)
    async with running(served) as address, grpc.aio.insecure_channel(address) as channel:
        stub = UserProfileServiceStub(channel)
        yield House(
            stub,
            shop_id,
            release.release_id,
            clock,
            lambda: set_down(down=True),
            lambda: set_down(down=False),
        )
