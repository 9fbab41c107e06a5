"""ReleaseService in memory: the same labels, moved by the same rules, over releases that a test puts there."""

from dataclasses import dataclass, field
from typing import Any

import grpc

from services.kit.errors import Conflict, NotFound, NotReady
from services.kit.release import Labels
from services.ranker.labels import with_label
from services.ranker.requests import check_list_releases, check_promote, check_rollback
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.ranker.v1 import ranker_pb2_grpc

SERVICES = ("item_vision", "model_server", "page_composer", "ranker", "user_profile")


@dataclass
class FakeShop:
    """A shop's releases, oldest first."""

    release_ids: list[str] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)


class FakeReleases(ranker_pb2_grpc.ReleaseServiceServicer):
    """Every service has every release ready, but for those in `not_ready`."""

    def __init__(self) -> None:
        self.shops: dict[str, FakeShop] = {}
        self.not_ready: set[str] = set()
        self._meddling: tuple[str, str] | None = None

    def meddle(self, shop_id: str, release_id: str) -> None:
        """Let the release become the shop's canary while the next call waits, as if another replica had done it."""
        self._meddling = shop_id, release_id

    def put(self, shop_id: str, release_id: str) -> None:
        """Publish a shop's next release."""
        self.shops.setdefault(shop_id, FakeShop()).release_ids.append(release_id)

    async def ListReleases(
        self, request: pb.ListReleasesRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.ListReleasesResponse:
        check_list_releases(request)
        shop = self.shops.get(request.shop_id, FakeShop())
        return pb.ListReleasesResponse(releases=[self._message(shop, each) for each in reversed(shop.release_ids)])

    async def PromoteRelease(
        self, request: pb.PromoteReleaseRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.PromoteReleaseResponse:
        check_promote(request)
        shop = self.shops.get(request.shop_id, FakeShop())
        if request.release_id not in shop.release_ids:
            raise NotFound("no such release", reason="RELEASE_UNKNOWN", metadata={"release_id": request.release_id})
        self._check_ready(request.release_id)
        self._check_labels_stand(shop)
        label = "canary" if request.label == pb.RELEASE_LABEL_CANARY else "stable"
        shop.labels = with_label(shop.labels, label, request.release_id)
        return pb.PromoteReleaseResponse(release=self._message(shop, request.release_id))

    async def RollbackRelease(
        self, request: pb.RollbackReleaseRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.RollbackReleaseResponse:
        check_rollback(request)
        shop = self.shops.get(request.shop_id, FakeShop())
        if not shop.labels.previous:
            raise NotReady("nothing to go back to", reason="NO_PREVIOUS_RELEASE")
        self._check_ready(shop.labels.previous)
        self._check_labels_stand(shop)
        shop.labels = with_label(shop.labels, "stable", shop.labels.previous)
        return pb.RollbackReleaseResponse(release=self._message(shop, shop.labels.stable or ""))

    def _check_ready(self, release_id: str) -> None:
        if self.not_ready:
            late = ",".join(sorted(self.not_ready))
            metadata = {"release_id": release_id, "not_ready": late}
            raise NotReady(f"{late} did not report it ready", reason="RELEASE_NOT_READY", metadata=metadata)

    def _check_labels_stand(self, shop: FakeShop) -> None:
        meddling, self._meddling = self._meddling, None
        if meddling is not None:
            shop.labels = shop.labels.model_copy(update={"canary": meddling[1]})
            raise Conflict("the labels have moved", reason="LABELS_CONTENDED", metadata={"shop_id": meddling[0]})

    def _message(self, shop: FakeShop, release_id: str) -> pb.Release:
        return pb.Release(
            release_id=release_id,
            version=int(release_id[1:]),
            labels=[
                pb.ReleaseLabel.Value(f"RELEASE_LABEL_{label.upper()}")
                for label, labelled in shop.labels.model_dump().items()
                if labelled == release_id
            ],
            calibrated=True,
            ready_services=[service for service in SERVICES if service not in self.not_ready],
        )
