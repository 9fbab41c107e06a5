"""Log lines and metrics."""

import json
import logging
import sys

import pytest

from services.kit.call_context import CallContext, TraceParent, annotate, enter_call, outgoing_metadata
from services.kit.telemetry import JsonFormatter, Metrics, PlainFormatter


def record(message: str = "call", **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("vitrine.access", logging.INFO, __file__, 1, message, (), None)
    made.created = 1_769_860_800.25
    if fields:
        made.fields = fields
    return made


async def test_a_json_line_holds_fields_and_the_calls_ids():
    enter_call(CallContext("the-request", TraceParent("ab" * 16, "cd" * 8)))
    line = json.loads(JsonFormatter("ranker").format(record(code="OK", ms=1.5)))
    assert line == {
        "time": "2026-01-31T12:00:00.250+00:00",
        "level": "INFO",
        "service": "ranker",
        "logger": "vitrine.access",
        "message": "call",
        "code": "OK",
        "ms": 1.5,
        "request_id": "the-request",
        "trace_id": "ab" * 16,
    }


def test_a_plain_line_stays_one_line_whatever_a_caller_sends():
    line = PlainFormatter().format(record(shop_id="boutique\nINFO forged line", reason="a b"))
    assert line.startswith("2026-01-31T12:00:00.250+00:00 INFO    vitrine.access call ")
    assert "\n" not in line


@pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter("ranker")])
def test_traces_are_logged(formatter):
    failed = record("broken")
    try:
        raise KeyError("lost")
    except KeyError:
        failed.exc_info = sys.exc_info()
    assert "KeyError: 'lost'" in formatter.format(failed)


def test_asking_twice_for_a_metric_gives_the_same_and_never_another_kind():
    metrics = Metrics()
    counter = metrics.counter("vitrine_things", "Things.", ["kind"])
    assert metrics.counter("vitrine_things", "Things.", ["kind"]) is counter
    with pytest.raises(TypeError, match="no Gauge"):
        metrics.gauge("vitrine_things", "Things.")


async def test_annotations_belong_to_the_current_call_only():
    first, second = (CallContext(name, TraceParent.continued("")) for name in ("first", "second"))
    enter_call(first)
    annotate("items", 3)
    enter_call(second)
    assert (first.annotations, second.annotations) == ({"items": "3"}, {})
    headers = dict(outgoing_metadata([("extra", "1")]))
    assert headers["x-request-id"] == "second"
    assert headers["traceparent"] == str(second.trace)
    assert headers["extra"] == "1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-" + "0" * 32 + "-" + "cd" * 8 + "-01",
        "00-" + "ab" * 16 + "-" + "0" * 16 + "-01",
        "01-" + "ab" * 16 + "-" + "cd" * 8 + "-01",
        "00-" + "AB" * 16 + "-" + "cd" * 8 + "-01",
        "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01\n",
    ],
)
def test_traces_that_are_not_well_formed_begin_anew(header):
    trace = TraceParent.continued(header)
    assert trace.trace_id != "ab" * 16
    assert len(str(trace)) == 55
