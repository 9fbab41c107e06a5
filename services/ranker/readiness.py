"""Which releases each service reports ready: every replica is asked, and only what all of them have counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import grpc

from services.kit.errors import DependencyDown
from services.kit.replicas import Replicas
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.model_client import DEPENDENCY, ModelClient
from vitrine.common.v1 import common_pb2, common_pb2_grpc

TIMEOUT_S = 1.0

Ask = Callable[[Upstream, str], Awaitable[frozenset[str]]]
"""(replica, shop_id) → the releases that it has ready."""


class Readiness:
    """Asks the replicas of all services, model servers included."""

    def __init__(
        self,
        addresses: Mapping[str, Sequence[str]],
        model_servers: Sequence[str],
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._services: dict[str, tuple[Replicas, Ask]] = {
            service: (Replicas(service, places, credentials), _ready) for service, places in addresses.items()
        }
        self._services[DEPENDENCY] = Replicas(DEPENDENCY, model_servers), _served

    async def ready_services(self, shop_id: str) -> Mapping[str, frozenset[str]]:
        """For each service the releases that every replica has ready; none when a replica does not answer."""
        answers = await asyncio.gather(*(_everywhere(*service, shop_id) for service in self._services.values()))
        return dict(zip(self._services, answers, strict=True))

    async def close(self) -> None:
        """Close all channels."""
        for replicas, _ in self._services.values():
            await replicas.close()


async def _everywhere(replicas: Replicas, ask: Ask, shop_id: str) -> frozenset[str]:
    try:
        return frozenset.intersection(*await asyncio.gather(*(ask(each, shop_id) for each in await replicas.current())))
    except (DependencyDown, RemoteError):
        return frozenset()


async def _served(replica: Upstream, shop_id: str) -> frozenset[str]:
    versions = await ModelClient(replica).available_versions(shop_id, timeout_s=TIMEOUT_S)
    return frozenset(f"r{version}" for version in versions)


async def _ready(replica: Upstream, shop_id: str) -> frozenset[str]:
    stub = common_pb2_grpc.ReadinessServiceStub(replica.channel)
    request = common_pb2.ListReadyReleasesRequest(shop_id=shop_id)
    answer = await replica.call(stub.ListReadyReleases, request, timeout_s=TIMEOUT_S)
    return frozenset(answer.release_ids)
