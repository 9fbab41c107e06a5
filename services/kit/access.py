"""What is recorded of every call: one log line and three metrics."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from functools import cache

import grpc

from services.kit.call_context import CallContext
from services.kit.telemetry import metrics

LOG = logging.getLogger("vitrine.access")

_OUR_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}


@dataclass
class CallRecord:
    """One call while it runs and how it ended."""

    call: CallContext
    shop_id: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    error: BaseException | None = None
    """The error whose trace belongs in the log, if it is our bug."""
    started_s: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    """How long it took, once it has ended."""


class AccessRecorder:
    """Writes the access log and the call metrics of one server."""

    def __init__(self) -> None:
        requests = metrics().counter("vitrine_requests", "Calls answered.", ["method", "code"])
        seconds = metrics().histogram("vitrine_request_seconds", "Duration of calls.", ["method"])
        in_flight = metrics().gauge("vitrine_requests_in_flight", "Calls being worked on.", ["method"])
        # Looking a child metric up by its labels takes longer than counting; methods and codes are few.
        self._requests = cache(lambda method, code: requests.labels(method, code.name))
        self._seconds = cache(seconds.labels)
        self._in_flight = cache(in_flight.labels)

    def began(self, record: CallRecord) -> None:
        """Count a call in."""
        self._in_flight(record.call.method).inc()

    def ended(self, record: CallRecord) -> None:
        """Count a call out and write its line. A call that went well is answered first: its caller waits for that."""
        record.seconds = time.perf_counter() - record.started_s
        if record.code is grpc.StatusCode.OK:
            asyncio.get_running_loop().call_soon(self._write, record)
        else:
            self._write(record)

    def _write(self, record: CallRecord) -> None:
        method = record.call.method
        self._in_flight(method).dec()
        self._requests(method, record.code).inc()
        self._seconds(method).observe(record.seconds)
        level = logging.ERROR if record.code in _OUR_FAULT else logging.INFO
        if LOG.isEnabledFor(level):
            LOG.log(level, "call", exc_info=record.error, extra={"fields": _fields(record)})


def _fields(record: CallRecord) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": record.call.method,
        "code": record.code.name,
        "reason": record.reason,
        "shop_id": record.shop_id,
        "ms": round(record.seconds * 1000.0, 2),
        "request_id": record.call.request_id,
        "trace_id": record.call.trace.trace_id,
        **record.call.annotations,
    }
    return {key: value for key, value in fields.items() if value != ""}
