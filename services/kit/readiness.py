"""ReadinessService for any service that keeps releases loaded."""

from collections.abc import Sequence
from typing import Protocol

import grpc

from services.kit.checks import Checks
from vitrine.common.v1 import common_pb2, common_pb2_grpc


class ReadyReleases(Protocol):
    """The part of a ReleaseWatcher that readiness needs."""

    def ready_ids(self, shop_id: str) -> Sequence[str]:
        """Return the releases that can be used now, newest first."""


class ReadinessServicer(common_pb2_grpc.ReadinessServiceServicer):
    """Answers which releases this process has loaded and warmed up."""

    def __init__(self, releases: ReadyReleases) -> None:
        self._releases = releases

    async def ListReadyReleases(  # type: ignore[override]  # noqa: N802
        self, request: common_pb2.ListReadyReleasesRequest, context: grpc.aio.ServicerContext
    ) -> common_pb2.ListReadyReleasesResponse:
        """List them, newest first; a shop without releases has none."""
        checks = Checks()
        checks.shop_id(request.shop_id)
        checks.request_id(request.request_id)
        checks.raise_if_any()
        return common_pb2.ListReadyReleasesResponse(release_ids=self._releases.ready_ids(request.shop_id))
