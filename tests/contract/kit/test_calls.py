"""What happens around every call, seen from the other end of a real channel."""

import asyncio
import logging

import grpc
import pytest

from services.kit.access import AccessRecorder, CallRecord
from services.kit.call_context import CallContext, TraceParent
from services.kit.health import check
from services.kit.telemetry import metrics
from tests.contract.kit.probe import SERVICE, Request, serving_probe, until
from tests.contract.refusals import failure


async def received(stream) -> list[str]:
    return [message.release_ids[0] async for message in stream]


async def test_answers_of_all_kinds_pass_unchanged():
    async with serving_probe() as serving:
        assert list((await serving.stub.Ask(Request(shop_id="a"))).release_ids) == ["a"]
        assert await received(serving.stub.ListAll(Request(shop_id="a"))) == ["first", "second"]
        answer = await serving.stub.SendAll(iter([Request(shop_id="a"), Request(shop_id="b")]))
        assert list(answer.release_ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("told", "code", "reason"),
    [
        ("invalid", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ("missing", grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN"),
        ("conflict", grpc.StatusCode.ABORTED, "EVENT_CONFLICT"),
        ("bug", grpc.StatusCode.INTERNAL, "INTERNAL"),
        ("timeout-bug", grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
async def test_errors_of_all_kinds_of_methods_arrive_with_their_details(told, code, reason):
    async with serving_probe() as serving:
        request = Request(shop_id=told)
        for call in (
            serving.stub.Ask(request),
            received(serving.stub.ListAll(request)),
            serving.stub.SendAll(iter([request])),
        ):
            remote = await failure(call)
            assert (remote.code, remote.reason) == (code, reason)
            assert "secret" not in remote.message
        assert (await serving.stub.Ask(Request(shop_id="still-there"))).release_ids


async def test_violations_and_metadata_can_be_read_back():
    async with serving_probe() as serving:
        invalid = await failure(serving.stub.Ask(Request(shop_id="invalid")))
        missing = await failure(serving.stub.Ask(Request(shop_id="missing")))
    assert [(each.field, each.description) for each in invalid.violations] == [("shop_id", "must not be invalid")]
    assert missing.metadata == {"item_id": "i1"}


async def test_a_status_that_the_servicer_set_by_hand_is_left_alone():
    async with serving_probe() as serving:
        error = await failure(serving.stub.Ask(Request(shop_id="abort")))
    assert (error.code, error.message) == (grpc.StatusCode.OUT_OF_RANGE, "by hand")


async def test_the_trace_of_a_bug_is_in_the_log_under_the_request_id(caplog):
    async with serving_probe() as serving:
        with caplog.at_level(logging.ERROR, "vitrine.access"):
            await failure(serving.stub.Ask(Request(shop_id="bug", request_id="the-request")))
    (record,) = [record for record in caplog.records if record.name == "vitrine.access"]
    assert record.fields["request_id"] == "the-request"
    assert record.exc_info[0] is KeyError


async def test_each_call_has_one_line_in_the_access_log(caplog):
    with caplog.at_level(logging.INFO, "vitrine.access"):
        async with serving_probe() as serving:
            await serving.stub.Ask(Request(shop_id="boutique"))
            await failure(serving.stub.Ask(Request(shop_id="missing")))
            await received(serving.stub.ListAll(Request(shop_id="a")))
    lines = [record.fields for record in caplog.records if record.name == "vitrine.access"]
    assert [(line["method"].rpartition("/")[2], line["code"]) for line in lines] == [
        ("Ask", "OK"),
        ("Ask", "NOT_FOUND"),
        ("ListAll", "OK"),
    ]
    assert lines[0]["shop_id"] == lines[0]["told"] == "boutique"
    assert lines[1]["reason"] == "ITEM_UNKNOWN"
    assert all(line["ms"] >= 0 and len(line["request_id"]) == 32 for line in lines)


async def test_a_call_that_went_well_is_answered_before_its_line_is_written(caplog):
    recorder = AccessRecorder()
    record = CallRecord(CallContext("the-request", TraceParent("ab" * 16, "cd" * 8), method="/unit.Service/Ask"))
    with caplog.at_level(logging.INFO, "vitrine.access"):
        recorder.began(record)
        recorder.ended(record)
        assert not caplog.records
        await asyncio.sleep(0)
    assert [line.fields["request_id"] for line in caplog.records] == ["the-request"]


async def test_ids_come_from_the_headers_then_from_the_request_else_are_made():
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-00"
    async with serving_probe() as serving:
        metadata = (("x-request-id", "from-header"), ("traceparent", trace))
        await serving.stub.Ask(Request(request_id="from-request"), metadata=metadata)
        await serving.stub.Ask(Request(request_id="from-request"))
        await serving.stub.Ask(Request(request_id="two words"), metadata=(("traceparent", "nonsense"),))
        first, second, third = serving.probe.calls
    assert first.request_id == "from-header"
    assert (first.trace.trace_id, first.trace.flags) == ("ab" * 16, "00")
    assert first.trace.span_id != "cd" * 8
    assert second.request_id == "from-request"
    assert len(third.request_id) == 32
    assert len(third.trace.trace_id) == 32


async def test_a_call_without_deadline_gets_the_default_one():
    async with serving_probe(default_deadline_ms=30) as serving:
        error = await failure(serving.stub.Ask(Request(shop_id="hang")))
        assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert "default deadline" in error.message
        assert serving.probe.cancelled == ["ask"]


async def test_the_callers_deadline_is_known_to_the_handler_and_cancels_it():
    async with serving_probe(default_deadline_ms=1) as serving:
        # Long enough for a busy machine to reach the handler: what has not begun is not cancelled.
        error = await failure(serving.stub.Ask(Request(shop_id="hang"), timeout=1.0))
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: serving.probe.cancelled == ["ask"])
        assert serving.probe.calls[0].deadline_s is not None
        await until(lambda: serving.runtime.interceptor.admission.in_flight == 0)


async def test_streams_have_no_default_deadline():
    async with serving_probe(default_deadline_ms=1) as serving:
        await received(serving.stub.ListAll(Request(shop_id="a")))
        await serving.stub.SendAll(iter([Request(shop_id="a")]))
        assert [call.deadline_s for call in serving.probe.calls] == [None, None]


async def test_a_caller_that_goes_away_cancels_the_handler_wherever_it_stands():
    async with serving_probe() as serving:
        asking = serving.stub.Ask(Request(shop_id="hang"))
        await serving.probe.entered.wait()
        asking.cancel()
        await until(lambda: serving.probe.cancelled == ["ask"])
        listing = serving.stub.ListAll(Request(shop_id="hang"))
        assert (await listing.read()).release_ids == ["first"]
        listing.cancel()
        await until(lambda: serving.probe.closed == ["list_all"])
        await until(lambda: serving.runtime.interceptor.admission.in_flight == 0)


async def test_more_calls_than_allowed_are_refused_and_health_is_not():
    async with serving_probe(max_in_flight=2) as serving:
        waiting = [asyncio.ensure_future(serving.stub.Ask(Request(shop_id="gate"))) for _ in range(2)]
        await until(lambda: serving.runtime.interceptor.admission.in_flight == 2)
        error = await failure(serving.stub.Ask(Request(shop_id="a")))
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert await check(serving.address, SERVICE)
        serving.probe.gate.set()
        assert len(await asyncio.gather(*waiting)) == 2
        assert (await serving.stub.Ask(Request(shop_id="a"))).release_ids == ["a"]


async def test_calls_are_counted_by_method_and_code():
    method = f"/{SERVICE}/Ask"

    def count(code: str) -> float:
        labels = {"method": method, "code": code}
        return metrics().registry.get_sample_value("vitrine_requests_total", labels) or 0.0

    before = count("OK"), count("NOT_FOUND")
    async with serving_probe() as serving:
        await serving.stub.Ask(Request(shop_id="a"))
        await failure(serving.stub.Ask(Request(shop_id="missing")))
    assert (count("OK"), count("NOT_FOUND")) == (before[0] + 1, before[1] + 1)
    in_flight = metrics().registry.get_sample_value("vitrine_requests_in_flight", {"method": method})
    assert in_flight == 0.0


async def test_an_unknown_method_is_unimplemented():
    async with serving_probe() as serving:
        call = serving.channel.unary_unary(f"/{SERVICE}/Nothing")
        assert (await failure(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_request_over_the_size_limit_is_refused_and_the_service_goes_on():
    async with serving_probe(max_message_bytes=1_024) as serving:
        error = await failure(serving.stub.Ask(Request(shop_id="x" * 2_000)))
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await serving.stub.Ask(Request(shop_id="a"))).release_ids == ["a"]
