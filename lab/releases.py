"""Moves the labels of releases, through the ranker's ReleaseService."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.channels import open_channel
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.ranker.v1 import ranker_pb2_grpc

PROMOTION_TIMEOUT_S = 60.0
LABELS = {"stable": pb.RELEASE_LABEL_STABLE, "canary": pb.RELEASE_LABEL_CANARY}


@contextmanager
def release_service(addresses: Sequence[str]) -> Iterator[Any]:
    """Connect to the ReleaseService; `addresses` are the ranker's."""
    with open_channel(addresses, "vitrine.ranker.v1") as channel:
        yield ranker_pb2_grpc.ReleaseServiceStub(channel)


def promote_release(addresses: Sequence[str], shop_id: str, release_id: str, label: str = "stable") -> None:
    """Move a label to a release; returns when every service is ready and it has moved. Raises: grpc.RpcError."""
    with release_service(addresses) as service:
        request = pb.PromoteReleaseRequest(shop_id=shop_id, release_id=release_id, label=LABELS[label])
        service.PromoteRelease(request, timeout=PROMOTION_TIMEOUT_S)
