"""Metrics and logs of one process."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from threading import Lock, Thread
from types import TracebackType
from typing import TypeVar
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from services.kit.call_context import current_call

Metric = TypeVar("Metric", Counter, Gauge, Histogram)

LATENCY_BUCKETS_S = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The process's registry; asking twice for a metric gives the same one.

    Names start with `vitrine_`; label values are never user or item ids.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._known: dict[str, Counter | Gauge | Histogram] = {}
        self._lock = Lock()

    def counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        """Return the counter of this name."""
        with self._lock:
            if name not in self._known:
                self._known[name] = Counter(name, documentation, labels, registry=self.registry)
            return _checked(self._known[name], Counter)

    def gauge(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
        """Return the gauge of this name."""
        with self._lock:
            if name not in self._known:
                self._known[name] = Gauge(name, documentation, labels, registry=self.registry)
            return _checked(self._known[name], Gauge)

    def histogram(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = LATENCY_BUCKETS_S,
    ) -> Histogram:
        """Return the histogram of this name; durations are in seconds."""
        with self._lock:
            if name not in self._known:
                self._known[name] = Histogram(name, documentation, labels, buckets=buckets, registry=self.registry)
            return _checked(self._known[name], Histogram)


@cache
def metrics() -> Metrics:
    """Return the metrics of this process, made at first use."""
    return Metrics()


class MetricsPage:
    """The HTTP page `/metrics`, open while the context lasts."""

    def __init__(self, host: str, port: int) -> None:
        server: tuple[WSGIServer, Thread] = start_http_server(port, addr=host, registry=metrics().registry)
        self._server, self._thread = server

    @property
    def port(self) -> int:
        """The port it is served on."""
        return int(self._server.server_port)

    def __enter__(self) -> "MetricsPage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1.0)


class PlainFormatter(logging.Formatter):
    """One line a record: time, level, logger, message, then `key=value` of its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; a trace follows on lines of its own."""
        head = f"{_moment(record)} {record.levelname:<7} {record.name} {record.getMessage()}"
        line = " ".join([head, *(f"{key}={_plain(value)}" for key, value in _fields(record).items())])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; a trace is the field `trace`."""
        line: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(service: str, level: str = "INFO", log_format: str = "plain") -> None:
    """Send all logging of the process to standard error in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if log_format == "json" else PlainFormatter())
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = dict(getattr(record, "fields", {}))
    call = current_call()
    if call is not None:
        fields.setdefault("request_id", call.request_id)
        fields.setdefault("trace_id", call.trace.trace_id)
    return fields


def _plain(value: object) -> str:
    # Quoted when it is not one printable word: nobody may write log lines by way of a field.
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text, ensure_ascii=False)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _checked(metric: object, kind: type[Metric]) -> Metric:
    if not isinstance(metric, kind):
        raise TypeError(f"a metric of this name exists and is no {kind.__name__}")
    return metric
