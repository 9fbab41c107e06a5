"""Which releases each service reports ready: every replica is asked, and only what all of them have counts."""

import asyncio
from collections.abc import Mapping, Sequence

import grpc

from services.kit.channels import open_channel
from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.model_client import ModelClient
from vitrine.common.v1 import common_pb2, common_pb2_grpc

TIMEOUT_S = 1.0


class Readiness:
    """Asks the replicas of all services, model servers included."""

    def __init__(
        self,
        addresses: Mapping[str, Sequence[str]],
        model_servers: Sequence[str],
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        # A channel a replica: behind round robin one could not tell which of them answered.
        self._replicas = {
            service: [Upstream(service, open_channel([address], credentials=credentials)) for address in places]
            for service, places in addresses.items()
        }
        self._models = [ModelClient.open([address]) for address in model_servers]

    async def ready_services(self, shop_id: str) -> Mapping[str, frozenset[str]]:
        """For each service the releases that every replica has ready; none when a replica does not answer."""
        services = list(self._replicas)
        answers = await asyncio.gather(
            *(self._service(service, shop_id) for service in services), self._model_server(shop_id)
        )
        return dict(zip([*services, "model_server"], answers, strict=True))

    async def close(self) -> None:
        """Close all channels."""
        for replicas in self._replicas.values():
            for replica in replicas:
                await replica.close()
        for model in self._models:
            await model.close()

    async def _service(self, service: str, shop_id: str) -> frozenset[str]:
        replicas = self._replicas[service]
        answers = await asyncio.gather(*(_ready(replica, shop_id) for replica in replicas))
        return frozenset.intersection(*answers)

    async def _model_server(self, shop_id: str) -> frozenset[str]:
        answers = await asyncio.gather(*(_served(model, shop_id) for model in self._models))
        return frozenset.intersection(*answers)


async def _served(model: ModelClient, shop_id: str) -> frozenset[str]:
    try:
        versions = await model.available_versions(shop_id, timeout_s=TIMEOUT_S)
    except (DependencyDown, RemoteError):
        return frozenset()
    return frozenset(f"r{version}" for version in versions)


async def _ready(replica: Upstream, shop_id: str) -> frozenset[str]:
    stub = common_pb2_grpc.ReadinessServiceStub(replica.channel)
    request = common_pb2.ListReadyReleasesRequest(shop_id=shop_id)
    try:
        answer = await replica.call(stub.ListReadyReleases, request, timeout_s=TIMEOUT_S)
    except (DependencyDown, RemoteError):
        return frozenset()
    return frozenset(answer.release_ids)
