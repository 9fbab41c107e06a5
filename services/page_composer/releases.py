"""Which release a page is made with: one that every service has ready, chosen once."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from services.kit.errors import DependencyDown, NotReady
from services.kit.release_watcher import ReleaseWatcher
from services.kit.replicas import Replicas
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.page_composer.page_release import NO_RELEASE, PageRelease
from vitrine.common.v1 import common_pb2, common_pb2_grpc

LOG = logging.getLogger(__name__)

POLL_TIMEOUT_S = 0.5


class Readiness:
    """What every replica of the other services last said it has ready. One that cannot be asked vetoes nothing:
    pages do without it anyway.
    """

    def __init__(self, services: Sequence[Replicas]) -> None:
        self._services = services
        self._ready: dict[str, list[frozenset[str]]] = {}

    def everywhere(self, shop_id: str, release_id: str) -> bool:
        """Say whether no replica that answered lacks the release."""
        return all(release_id in ready for ready in self._ready.get(shop_id, ()))

    async def look(self, shop_ids: Iterable[str]) -> None:
        """Ask every replica about every shop once."""
        replicas = [each for found in await asyncio.gather(*map(_current, self._services)) for each in found]
        for shop_id in shop_ids:
            answers = await asyncio.gather(*(_ask(replica, shop_id) for replica in replicas))
            self._ready[shop_id] = [answer for answer in answers if answer is not None]

    async def close(self) -> None:
        """Close all channels."""
        for service in self._services:
            await service.close()


async def _current(service: Replicas) -> Sequence[Upstream]:
    try:
        return await service.current()
    except DependencyDown:
        return ()


async def _ask(replica: Upstream, shop_id: str) -> frozenset[str] | None:
    stub = common_pb2_grpc.ReadinessServiceStub(replica.channel)
    request = common_pb2.ListReadyReleasesRequest(shop_id=shop_id)
    try:
        answer = await replica.call(stub.ListReadyReleases, request, timeout_s=POLL_TIMEOUT_S)
    except (DependencyDown, RemoteError):
        return None
    return frozenset(answer.release_ids)


class Releases:
    """The releases that pages can be made with."""

    def __init__(self, watcher: ReleaseWatcher[PageRelease], readiness: Readiness) -> None:
        self._watcher = watcher
        self._readiness = readiness

    def choices(self, shop_id: str, wanted: str = "") -> list[PageRelease]:
        """What to make a page with, best first and never empty: the release that an arm wants, stable, previous,
        canary, as far as they are ready everywhere; then stable even so; at last no release.
        """
        labels = self._watcher.labels(shop_id)
        named = [each for each in (wanted, labels.stable, labels.previous, labels.canary) if each]
        ready = [each for each in named if self._readiness.everywhere(shop_id, each)]
        loaded = [self._loaded(shop_id, each) for each in dict.fromkeys([*ready, *named[:2]])]
        return [*(each for each in loaded if each is not None), NO_RELEASE]

    def _loaded(self, shop_id: str, release_id: str) -> PageRelease | None:
        try:
            return self._watcher.get(shop_id, release_id)
        except NotReady:
            return None
