"""The one tree of errors that services raise. Only `status.py` knows which gRPC code each becomes."""

# The names are the ones of the house style, without a suffix.
# ruff: noqa: N818

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field of a request: its path as in the contract (`visit.user_id`) and what to do about it."""

    field: str
    description: str


class VitrineError(Exception):
    """An expected failure with a stable reason that callers may branch on.

    `metadata` holds short machine-readable facts about the failure; it travels to the caller, so it never
    holds secrets.
    """

    default_reason: ClassVar[str] = "FAILED"

    def __init__(self, message: str, *, reason: str | None = None, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidRequest(VitrineError):
    """The request breaks its contract; every violated field is named at once."""

    default_reason = "INVALID_REQUEST"

    def __init__(
        self,
        violations: Sequence[FieldViolation],
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        listed = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        super().__init__(listed or "the request is invalid", reason=reason, metadata=metadata)
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, description: str, *, reason: str | None = None) -> "InvalidRequest":
        """Build the error for a single field."""
        return cls([FieldViolation(field, description)], reason=reason)


class NotFound(VitrineError):
    """The one named thing does not exist."""

    default_reason = "NOT_FOUND"


class NotReady(VitrineError):
    """The system is not in the state that the call needs, such as a release that is not loaded."""

    default_reason = "NOT_READY"


class Conflict(VitrineError):
    """The call contradicts what is already stored, or lost a race."""

    default_reason = "CONFLICT"


class Overloaded(VitrineError):
    """More is asked than this process takes on; trying again later helps."""

    default_reason = "OVERLOADED"


class PermissionDenied(VitrineError):
    """The caller is known and may not do this."""

    default_reason = "PERMISSION_DENIED"


class Unauthenticated(VitrineError):
    """The caller did not prove who it is."""

    default_reason = "UNAUTHENTICATED"


class DependencyDown(VitrineError):
    """Something this service needs did not answer in time or at all.

    `dependency` is its name ("ranker", "database"); `cause` one of timeout, unavailable, overloaded,
    breaker_open, internal, serialization. The reason is `<DEPENDENCY>_DOWN` unless another is given.
    """

    def __init__(
        self,
        dependency: str,
        message: str = "",
        *,
        cause: str = "unavailable",
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            message or f"{dependency} did not answer ({cause}); try again",
            reason=reason or f"{dependency.upper()}_DOWN",
            metadata={**(metadata or {}), "dependency": dependency, "cause": cause},
        )
        self.dependency = dependency
        self.cause = cause
