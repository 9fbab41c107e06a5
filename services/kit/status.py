"""The one table between Vitrine's errors and gRPC status codes, in both directions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.kit.errors import (
    Conflict,
    DependencyDown,
    FieldViolation,
    InvalidRequest,
    NotFound,
    NotReady,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    VitrineError,
)

CODE_OF_ERROR: tuple[tuple[type[VitrineError], grpc.StatusCode], ...] = (
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (NotReady, grpc.StatusCode.FAILED_PRECONDITION),
    (Conflict, grpc.StatusCode.ABORTED),
    (Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (DependencyDown, grpc.StatusCode.UNAVAILABLE),
)

# What a dependency's status says about the dependency. Codes that are absent say something about our request.
CAUSE_OF_CODE: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.CANCELLED: "unavailable",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.INTERNAL: "internal",
    grpc.StatusCode.UNKNOWN: "internal",
    grpc.StatusCode.DATA_LOSS: "internal",
}

INTERNAL_MESSAGE = "internal error; the trace is in the service's log under this request id"

# Trailers above 8 KiB may be refused on the way; base64 and percent-encoding inflate what we put in.
MAX_MESSAGE_CHARS = 600
MAX_DETAIL_BYTES = 3_000


@dataclass(frozen=True)
class RpcStatus:
    """What ends a call: the code, the message and the trailers that carry the details."""

    code: grpc.StatusCode
    message: str
    reason: str
    trailers: tuple[tuple[str, bytes], ...]


class RemoteError(Exception):
    """A dependency refused a call for a reason that is not its availability.

    Callers branch on `reason`. Uncaught it is our bug and ends as INTERNAL.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        violations: tuple[FieldViolation, ...] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code.name} {reason}: {message}")
        self.code = code
        self.message = message
        self.reason = reason
        self.violations = violations
        self.metadata: dict[str, str] = dict(metadata or {})


def to_rpc_status(error: BaseException, domain: str) -> RpcStatus:
    """Translate any error; what is not in the table becomes INTERNAL and says nothing of itself."""
    for kind, code in CODE_OF_ERROR:
        if isinstance(error, kind):
            violations = error.violations if isinstance(error, InvalidRequest) else ()
            return make_status(
                code, error.message, error.reason, domain, violations=violations, metadata=error.metadata
            )
    return make_status(grpc.StatusCode.INTERNAL, INTERNAL_MESSAGE, "INTERNAL", domain)


def make_status(
    code: grpc.StatusCode,
    message: str,
    reason: str,
    domain: str,
    *,
    violations: tuple[FieldViolation, ...] = (),
    metadata: Mapping[str, str] | None = None,
) -> RpcStatus:
    """Build a google.rpc.Status with ErrorInfo and, where there are any, field violations."""
    message = _shortened(message)
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=dict(metadata or {})))
    if violations:
        status.details.add().Pack(_bad_request(violations))
    trailers = rpc_status.to_status(status).trailing_metadata
    return RpcStatus(code, message, reason, tuple(trailers))


def read_error(error: grpc.RpcError) -> RemoteError:
    """Read code, reason, violations and metadata back from a failed call; details of another make are left
    out.
    """
    code: grpc.StatusCode = error.code()
    message: str = error.details() or ""
    reason, violations, metadata = "", list[FieldViolation](), dict[str, str]()
    for detail in _details(error):
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations += [FieldViolation(each.field, each.description) for each in bad.field_violations]
    return RemoteError(code, message, reason, tuple(violations), metadata)


def from_dependency(error: grpc.RpcError, dependency: str) -> DependencyDown | RemoteError:
    """Say what a failed call means for its caller: the dependency is down, or our request was refused."""
    remote = read_error(error)
    cause = CAUSE_OF_CODE.get(remote.code)
    if cause is None:
        return remote
    message = f"{dependency} answered {remote.code.name}: {remote.message}"
    return DependencyDown(dependency, message, cause=cause)


def _details(error: grpc.RpcError) -> Iterator["status_pb2.any__pb2.Any"]:  # type: ignore[name-defined]
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the peer's details contradict its status: the status wins
        return
    if status is not None:
        yield from status.details


def _bad_request(violations: tuple[FieldViolation, ...]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for index, violation in enumerate(violations):
        bad.field_violations.add(field=violation.field, description=_shortened(violation.description))
        if bad.ByteSize() > MAX_DETAIL_BYTES:
            left_out = len(violations) - index
            bad.field_violations[-1].CopyFrom(
                error_details_pb2.BadRequest.FieldViolation(
                    field=violation.field[:80],
                    description=f"{left_out} violations from here on are not listed",
                )
            )
            break
    return bad


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"
