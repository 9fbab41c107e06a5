"""What a call carries besides its request: ids for logs and traces, and its deadline, for everything below
the servicer.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import getrandbits

REQUEST_ID_HEADER = "x-request-id"
TRACEPARENT_HEADER = "traceparent"

# https://www.w3.org/TR/trace-context/, version 00; all-zero ids are invalid there.
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class TraceParent:
    """The span of this process in a distributed trace."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @classmethod
    def continued(cls, header: str) -> "TraceParent":
        """Open a span below the caller's, or a new trace when the header is absent or malformed."""
        match = _TRACEPARENT.fullmatch(header)
        trace_id, flags = (match[1], match[2]) if match else (_hex(128), "01")
        return cls(trace_id, _hex(64), flags)


@dataclass(frozen=True)
class CallContext:
    """Identity and deadline of the call that the current task works for."""

    request_id: str
    trace: TraceParent
    method: str = ""
    deadline_s: float | None = None
    """When the call's time is over, in seconds of `time.monotonic`; None for calls without an end."""
    annotations: dict[str, str] = field(default_factory=dict)
    """What the servicer adds to the call's line in the access log."""


_current: ContextVar[CallContext | None] = ContextVar("vitrine_call", default=None)


def current_call() -> CallContext | None:
    """Return the call that this task works for; None outside calls."""
    return _current.get()


def enter_call(call: CallContext) -> None:
    """Make `call` the current one for the rest of this task."""
    _current.set(call)


def annotate(key: str, value: object) -> None:
    """Add a field to the access log line of the current call; nothing happens outside calls."""
    call = _current.get()
    if call is not None:
        call.annotations[key] = str(value)


def new_request_id() -> str:
    """Return a fresh id for a request that came without one."""
    return _hex(128)


def _hex(bits: int) -> str:
    # Ids name things and protect nothing: no call to the system for each. The lowest bit keeps them from being zero.
    return f"{getrandbits(bits) | 1:0{bits // 4}x}"


def usable_request_id(text: str) -> bool:
    """Say whether a text can stand as a request id in logs and headers."""
    return _REQUEST_ID.fullmatch(text) is not None


def outgoing_metadata(extra: Iterable[tuple[str, str]] = ()) -> tuple[tuple[str, str], ...]:
    """Return the headers that hand the current call's ids on to a dependency."""
    call = _current.get()
    if call is None:
        return tuple(extra)
    return ((REQUEST_ID_HEADER, call.request_id), (TRACEPARENT_HEADER, str(call.trace)), *extra)
