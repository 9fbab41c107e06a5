"""ReadinessService, which every service serves with the one servicer of kit."""

from collections.abc import AsyncIterator

import grpc
import pytest

from services.kit.readiness import ReadinessServicer
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings
from tests.contract.coverage import covers
from tests.contract.refusals import INVALID, refused
from vitrine.common.v1.common_pb2 import ListReadyReleasesRequest
from vitrine.common.v1.common_pb2_grpc import ReadinessServiceStub, add_ReadinessServiceServicer_to_server


class Ready:
    def ready_ids(self, shop_id: str) -> list[str]:
        return ["r2", "r1"] if shop_id == "boutique" else []


@pytest.fixture
async def readiness() -> AsyncIterator[ReadinessServiceStub]:
    async def wire(runtime: Runtime) -> None:
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(Ready()))

    definition = ServiceDefinition("probe", ServiceSettings(drain_seconds=1.0), wire)
    async with running(definition) as address, grpc.aio.insecure_channel(address) as channel:
        yield ReadinessServiceStub(channel)


@covers("ReadinessService.ListReadyReleases")
async def test_ready_releases_are_listed_newest_first_and_a_shop_without_any_has_none(readiness):
    answer = await readiness.ListReadyReleases(ListReadyReleasesRequest(shop_id="boutique"))
    assert list(answer.release_ids) == ["r2", "r1"]
    answer = await readiness.ListReadyReleases(ListReadyReleasesRequest(shop_id="apparel"))
    assert list(answer.release_ids) == []


@covers("ReadinessService.ListReadyReleases", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("request_fields", "violated"),
    [
        ({}, ["shop_id"]),
        ({"shop_id": "Boutique!"}, ["shop_id"]),
        ({"shop_id": "x" * 65, "request_id": "r" * 129}, ["shop_id", "request_id"]),
    ],
)
async def test_malformed_ids_are_refused_by_field(readiness, request_fields, violated):
    await refused(readiness.ListReadyReleases(ListReadyReleasesRequest(**request_fields)), INVALID, *violated)
