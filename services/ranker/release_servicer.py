"""ReleaseService: check, call the domain, convert."""

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.deadline import Budget
from services.ranker import requests
from services.ranker.labels import ListedRelease, ReleaseLabels
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc

_LABELS = {
    "stable": ranker_pb2.RELEASE_LABEL_STABLE,
    "canary": ranker_pb2.RELEASE_LABEL_CANARY,
    "previous": ranker_pb2.RELEASE_LABEL_PREVIOUS,
}
ANSWER_RESERVE_MS = 1_500.0
"""Kept of a promotion's deadline, so that "not ready" is answered rather than cut off."""


class ReleaseServicer(ranker_pb2_grpc.ReleaseServiceServicer):
    """Lists releases and moves their labels."""

    def __init__(self, labels: ReleaseLabels, promotion_wait_s: float) -> None:
        self._labels = labels
        self._wait_s = promotion_wait_s

    async def ListReleases(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.ListReleasesRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.ListReleasesResponse:
        """All releases of a shop, newest first."""
        requests.check_list_releases(request)
        listed = await self._labels.list_releases(request.shop_id)
        return ranker_pb2.ListReleasesResponse(releases=[_message(each) for each in listed])

    async def PromoteRelease(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.PromoteReleaseRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.PromoteReleaseResponse:
        """Move a label once every service is ready."""
        requests.check_promote(request)
        label = "canary" if request.label == ranker_pb2.RELEASE_LABEL_CANARY else "stable"
        promoted = await self._labels.promote(request.shop_id, request.release_id, label, self._patience_s())
        return ranker_pb2.PromoteReleaseResponse(release=_message(promoted))

    async def RollbackRelease(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.RollbackReleaseRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.RollbackReleaseResponse:
        """Move stable back to previous."""
        requests.check_rollback(request)
        rolled_back = await self._labels.roll_back(request.shop_id, self._patience_s())
        return ranker_pb2.RollbackReleaseResponse(release=_message(rolled_back))

    def _patience_s(self) -> float:
        budget = Budget.of_call(self._wait_s * 1000.0 + ANSWER_RESERVE_MS, reserve_ms=ANSWER_RESERVE_MS)
        return budget.share(1.0, at_most_ms=self._wait_s * 1000.0)


def _message(listed: ListedRelease) -> ranker_pb2.Release:
    manifest = listed.release.manifest
    created_at = Timestamp()
    created_at.FromDatetime(manifest.created_at)
    return ranker_pb2.Release(
        release_id=manifest.release_id,
        version=manifest.version,
        labels=[_LABELS[label] for label in listed.labels],
        created_at=created_at,
        calibrated=manifest.calibrated,
        ready_services=listed.ready_services,
        metrics=manifest.metrics,
    )
