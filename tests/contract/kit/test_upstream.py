"""Calling other services: what fails says what failed, replicas take turns, and a killed one is found again."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest

from services.kit.breaker import BreakerSettings, BreakerState
from services.kit.call_context import CallContext, TraceParent, enter_call
from services.kit.channels import load_service_config, target_of
from services.kit.errors import DependencyDown, InvalidRequest
from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from tests.contract.kit.probe import SERVICE, Probe, ProbeStub, Request, add_probe_to_server, serving_probe, until

NO_BREAKER = BreakerSettings(minimum_calls=10_000)


@asynccontextmanager
async def upstream_to(*addresses: str, config=None, breaker=NO_BREAKER) -> AsyncIterator[tuple[Upstream, ProbeStub]]:
    upstream = Upstream.open("probe", addresses, config, breaker=breaker)
    try:
        yield upstream, ProbeStub(upstream.channel)
    finally:
        await upstream.close()


@asynccontextmanager
async def replica(listen: str = "127.0.0.1:0") -> AsyncIterator[tuple[str, Probe]]:
    probe = Probe()

    async def wire(runtime) -> None:
        runtime.register(add_probe_to_server, probe)

    async with running(ServiceDefinition("probe", ServiceSettings(drain_seconds=0.1), wire), listen) as address:
        yield address, probe


async def down(call) -> DependencyDown:
    with pytest.raises(DependencyDown) as caught:
        await call
    assert (caught.value.dependency, caught.value.reason) == ("probe", "PROBE_DOWN")
    return caught.value


async def test_an_answer_comes_back_as_it_is():
    async with serving_probe() as serving, upstream_to(serving.address) as (upstream, stub):
        assert (await upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=5)).release_ids == ["a"]
        answer = await upstream.call(stub.SendAll, iter([Request(shop_id="a")]))
        assert answer.release_ids == ["a"]
        streamed = [message.release_ids[0] async for message in upstream.stream(stub.ListAll, Request(shop_id="a"))]
        assert streamed == ["first", "second"]


async def test_a_dependency_that_is_late_is_down_by_timeout():
    async with serving_probe() as serving, upstream_to(serving.address) as (upstream, stub):
        error = await down(upstream.call(stub.Ask, Request(shop_id="hang"), timeout_s=0.05))
    assert error.cause == "timeout"


async def test_a_dependency_that_is_not_there_is_down_at_once():
    async with replica() as (address, _):
        pass
    async with upstream_to(address) as (upstream, stub):
        begun_s = time.perf_counter()
        error = await down(upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=5))
    assert error.cause == "unavailable"
    assert time.perf_counter() - begun_s < 2.0


async def test_a_dependency_with_a_bug_is_down_and_one_that_is_busy_too():
    async with serving_probe(max_in_flight=1) as serving, upstream_to(serving.address) as (upstream, stub):
        assert (await down(upstream.call(stub.Ask, Request(shop_id="bug")))).cause == "internal"
        waiting = asyncio.ensure_future(upstream.call(stub.Ask, Request(shop_id="gate")))
        await until(lambda: serving.runtime.interceptor.admission.in_flight == 1)
        assert (await down(upstream.call(stub.Ask, Request(shop_id="a")))).cause == "overloaded"
        serving.probe.gate.set()
        await waiting


@pytest.mark.parametrize(
    ("told", "reason"), [("invalid", "INVALID_REQUEST"), ("missing", "ITEM_UNKNOWN"), ("conflict", "EVENT_CONFLICT")]
)
async def test_a_refused_request_is_told_by_its_reason_and_does_not_open_the_breaker(told, reason):
    breaker = BreakerSettings(minimum_calls=1, failure_rate=0.01)
    async with serving_probe() as serving, upstream_to(serving.address, breaker=breaker) as (upstream, stub):
        for _ in range(3):
            with pytest.raises(RemoteError) as caught:
                await upstream.call(stub.Ask, Request(shop_id=told))
        assert caught.value.reason == reason
        assert not isinstance(caught.value, InvalidRequest)
        assert upstream.breaker_state is BreakerState.CLOSED
        with pytest.raises(RemoteError):
            async for _ in upstream.stream(stub.ListAll, Request(shop_id=told)):
                pass


async def test_the_breaker_opens_stops_calls_and_closes_after_a_probe():
    breaker = BreakerSettings(minimum_calls=3, open_s=0.0)
    async with serving_probe() as serving, upstream_to(serving.address, breaker=breaker) as (upstream, stub):
        for _ in range(3):
            await down(upstream.call(stub.Ask, Request(shop_id="bug")))
        assert upstream.breaker_state is BreakerState.OPEN
        await upstream.call(stub.Ask, Request(shop_id="a"))
        assert upstream.breaker_state is BreakerState.CLOSED


async def test_an_open_breaker_asks_nobody():
    breaker = BreakerSettings(minimum_calls=3, open_s=3_600.0)
    async with serving_probe() as serving, upstream_to(serving.address, breaker=breaker) as (upstream, stub):
        for _ in range(3):
            await down(upstream.call(stub.Ask, Request(shop_id="bug")))
        seen = len(serving.probe.calls)
        error = await down(upstream.call(stub.Ask, Request(shop_id="a")))
        assert error.cause == "breaker_open"
        assert len(serving.probe.calls) == seen


async def test_a_cancelled_call_says_nothing_about_the_dependency():
    breaker = BreakerSettings(minimum_calls=1, failure_rate=0.01)
    async with serving_probe() as serving, upstream_to(serving.address, breaker=breaker) as (upstream, stub):
        call = asyncio.ensure_future(upstream.call(stub.Ask, Request(shop_id="hang")))
        await serving.probe.entered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert upstream.breaker_state is BreakerState.CLOSED


async def test_ids_and_what_is_left_of_the_deadline_travel_on():
    async def within_a_call(upstream: Upstream, stub: ProbeStub) -> None:
        trace = TraceParent("ab" * 16, "cd" * 8)
        enter_call(CallContext("the-request", trace, deadline_s=time.monotonic() + 0.5))
        await upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=60)
        enter_call(CallContext("the-request", trace, deadline_s=time.monotonic() - 1.0))
        assert (await down(upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=60))).cause == "timeout"

    async with serving_probe() as serving, upstream_to(serving.address) as (upstream, stub):
        await asyncio.create_task(within_a_call(upstream, stub))
        (call,) = serving.probe.calls
    assert call.request_id == "the-request"
    assert call.trace.trace_id == "ab" * 16
    assert call.deadline_s - time.monotonic() < 0.6


async def test_replicas_take_turns():
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(replica()) for _ in range(2)]
        addresses = [address for address, _ in replicas]
        upstream, stub = await stack.enter_async_context(upstream_to(*addresses))
        await upstream.call(stub.Ask, Request(shop_id="a"))
        await until_both_connected(upstream, stub, replicas)
        before = [len(probe.calls) for _, probe in replicas]
        for _ in range(20):
            await upstream.call(stub.Ask, Request(shop_id="a"))
        assert [len(probe.calls) - count for (_, probe), count in zip(replicas, before, strict=True)] == [10, 10]


async def test_a_replica_that_ends_is_skipped_and_a_returned_one_is_found_within_seconds():
    retry = {
        "methodConfig": [
            {
                "name": [{"service": SERVICE}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.02s",
                    "maxBackoff": "0.2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
    outcomes: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        lasting = await stack.enter_async_context(replica())
        async with replica() as ending:
            upstream, stub = await stack.enter_async_context(upstream_to(lasting[0], ending[0], config=retry))
            await until_both_connected(upstream, stub, [lasting, ending])
        for _ in range(20):  # one of two is gone
            await upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=2)
            outcomes["answered"] += 1
        returned = await stack.enter_async_context(replica(ending[0]))
        begun_s = time.perf_counter()
        await until_both_connected(upstream, stub, [lasting, returned])
        assert time.perf_counter() - begun_s < 4.0
    assert outcomes == {"answered": 20}


async def test_a_time_out_in_the_contracts_file_holds_although_the_caller_allows_more():
    config = {"methodConfig": [{"name": [{"service": SERVICE}], "timeout": "0.05s"}]}
    async with serving_probe() as serving, upstream_to(serving.address, config=config) as (upstream, stub):
        error = await down(upstream.call(stub.Ask, Request(shop_id="hang"), timeout_s=60))
    assert error.cause == "timeout"


@pytest.mark.parametrize("service", ["user_profile", "item_vision", "ranker", "page_composer"])
async def test_every_contract_has_a_service_config_that_a_channel_takes(service):
    config = load_service_config(f"vitrine.{service}.v1")
    assert config["methodConfig"]
    async with serving_probe() as serving:
        upstream = Upstream.open(service, [serving.address], f"vitrine.{service}.v1")
        stub = ProbeStub(upstream.channel)
        assert (await upstream.call(stub.Ask, Request(shop_id="a"))).release_ids == ["a"]
        await upstream.close()


async def test_a_service_config_may_come_from_a_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"methodConfig": [{"name": [{}], "timeout": "0.05s"}]}))
    async with serving_probe() as serving, upstream_to(serving.address, config=path) as (upstream, stub):
        assert (await down(upstream.call(stub.Ask, Request(shop_id="hang"), timeout_s=60))).cause == "timeout"


@pytest.mark.parametrize(
    ("addresses", "target"),
    [
        (["127.0.0.1:7101"], "ipv4:127.0.0.1:7101"),
        (["127.0.0.1:7101", "10.0.0.2:7101"], "ipv4:127.0.0.1:7101,10.0.0.2:7101"),
        (["[::1]:7101", "[::2]:7101"], "ipv6:[::1]:7101,[::2]:7101"),
        (["ranker:7103"], "dns:///ranker:7103"),
    ],
)
def test_targets_of_addresses(addresses, target):
    assert target_of(addresses) == target


@pytest.mark.parametrize("addresses", [[], ["no-port"], [":7101"], ["127.0.0.1:1", "[::1]:2"]])
def test_addresses_that_cannot_be_reached_are_refused(addresses):
    with pytest.raises(ValueError, match="address"):
        target_of(addresses)


async def until_both_connected(upstream: Upstream, stub: ProbeStub, replicas) -> None:
    """Call until each replica has answered one of these calls."""
    before = [len(probe.calls) for _, probe in replicas]
    async with asyncio.timeout(10.0):
        while any(len(probe.calls) == count for (_, probe), count in zip(replicas, before, strict=True)):
            try:
                await upstream.call(stub.Ask, Request(shop_id="a"), timeout_s=1)
            except DependencyDown as error:
                assert error.cause == "unavailable"


async def test_a_broken_stream_says_that_the_dependency_is_down():
    async with AsyncExitStack() as stack:
        ending = await stack.enter_async_context(AsyncExitStack())
        address, _ = await ending.enter_async_context(replica())
        upstream, stub = await stack.enter_async_context(upstream_to(address))
        watch = upstream.stream(stub.WatchAll, Request(shop_id="a"))
        assert (await anext(watch)).release_ids == ["now"]
        await ending.aclose()
        with pytest.raises(DependencyDown) as caught:
            await anext(watch)
    assert caught.value.cause == "unavailable"
    assert isinstance(caught.value.__cause__, grpc.RpcError)
