"""What a failed call says, and which page a visitor sees for it."""

from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"
_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 503,
}


class RefusedError(Exception):
    """The request cannot be served; the visitor sees the designed page of this HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Failure:
    """A failed call, read from its status and details."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    """Stable reason of the contract, such as RELEASE_NOT_READY; empty when the service did not say one."""
    violations: tuple[tuple[str, str], ...] = ()
    """Field and what is wrong with it."""

    @property
    def http_status(self) -> int:
        """Status of the page that tells the visitor."""
        return _HTTP_STATUS.get(self.code, 500)

    @property
    def passing(self) -> bool:
        """Whether the same request may work in a moment."""
        return self.http_status == 503

    def violation_of(self, *fields: str) -> str:
        """What is wrong with a field of the contract or with anything below it; empty when nothing is."""
        found = [
            description
            for field, description in self.violations
            if any(field == name or field.startswith((f"{name}.", f"{name}[")) for name in fields)
        ]
        return "; ".join(found)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """Read a failed call."""
    reason, violations = "", []
    for key, value in error.trailing_metadata() or ():
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad):
                violations += [(one.field, one.description) for one in bad.field_violations]
    return Failure(error.code(), error.details() or "", reason, tuple(violations))
