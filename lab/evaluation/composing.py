"""Composing many pages as a web tier would: a few calls in flight, each a visit of one user."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.kit.channels import open_channel
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc

DEADLINE_S = 5.0


@dataclass(frozen=True)
class Composed:
    """A page with how long the call took."""

    user_id: str
    page: page_composer_pb2.Page
    took_ms: float


async def compose_for(
    addresses: Sequence[str],
    requests: Sequence[page_composer_pb2.ComposePageRequest],
    progress: Callable[[int], None],
    in_flight: int = 4,
) -> list[Composed]:
    """Compose every request, in order of the answer list; an error ends it."""
    channel = open_channel(addresses, "vitrine.page_composer.v1")
    stub = page_composer_pb2_grpc.PageComposerServiceStub(channel)
    places, done = asyncio.Semaphore(in_flight), 0

    async def one(request: page_composer_pb2.ComposePageRequest) -> Composed:
        nonlocal done
        async with places:
            started_s = time.perf_counter()
            answer = await stub.ComposePage(request, timeout=DEADLINE_S)
            took_ms = (time.perf_counter() - started_s) * 1000.0
        done += 1
        progress(done)
        return Composed(request.visit.user_id, answer.page, took_ms)

    try:
        return list(await asyncio.gather(*(one(request) for request in requests)))
    finally:
        await channel.close()


def page_request(
    shop_id: str, user_id: str, page_id: str, region: str = "", locale: str = "en"
) -> page_composer_pb2.ComposePageRequest:
    """A visit of the home page."""
    return page_composer_pb2.ComposePageRequest(
        shop_id=shop_id,
        request_id=page_id,
        visit=common_pb2.VisitContext(
            user_id=user_id, locale=locale, region=region, device=common_pb2.DEVICE_DESKTOP, channel="web"
        ),
    )
