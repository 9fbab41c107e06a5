"""A server warms up, serves, and drains; health, reflection and metrics tell of it."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.kit.health import NOT_SERVING, SERVICE_UNKNOWN, SERVING, check
from services.kit.interceptors import write_whole
from services.kit.readiness import ReadinessServicer
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, running, started
from services.kit.settings import ServiceSettings
from services.kit.status import read_error
from tests.contract.kit.probe import SERVICE, Request, serving_probe, until
from vitrine.common.v1 import common_pb2, common_pb2_grpc

READINESS = "vitrine.common.v1.ReadinessService"


class Ready:
    def ready_ids(self, shop_id: str) -> list[str]:
        return ["r2", "r1"] if shop_id == "boutique" else []


def add_readiness(runtime: Runtime) -> str:
    return runtime.register(common_pb2_grpc.add_ReadinessServiceServicer_to_server, ReadinessServicer(Ready()))


def definition(wire, **settings) -> ServiceDefinition:
    return ServiceDefinition("probe", ServiceSettings(**{"drain_seconds": 2.0, **settings}), wire)


async def statuses(address: str, *services: str) -> list[int]:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return [(await stub.Check(health_pb2.HealthCheckRequest(service=service))).status for service in services]


async def test_serving_only_after_warm_up_and_each_service_by_itself():
    gates = {"first": asyncio.Event(), "second": asyncio.Event()}

    def warm_ups(runtime: Runtime) -> None:
        add_readiness(runtime)
        runtime.warm_up(gates["first"].wait, serves=[SERVICE])
        runtime.warm_up(gates["second"].wait)

    async with serving_probe(warm_ups) as serving:
        asked = (serving.address, SERVICE, READINESS, "")
        assert await statuses(*asked) == [NOT_SERVING] * 3
        gates["second"].set()
        await until(lambda: serving.runtime.health.status(READINESS) == SERVING)
        assert await statuses(*asked) == [NOT_SERVING, SERVING, NOT_SERVING]
        gates["first"].set()
        await until(lambda: serving.runtime.health.status() == SERVING)
        assert await statuses(*asked) == [SERVING] * 3


async def test_health_of_an_unknown_service_is_not_found():
    async with serving_probe() as serving:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await statuses(serving.address, "no.such.Service")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert not await check(serving.address, "no.such.Service")
    assert not await check(serving.address, timeout_s=0.5)


async def test_a_health_watch_sees_each_change_and_ends_with_the_server():
    async with serving_probe() as serving:
        watch = health_pb2_grpc.HealthStub(serving.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        await serving.runtime.health.set(SERVICE, serving=False)
        assert (await watch.read()).status == NOT_SERVING
        await serving.runtime.health.set(SERVICE, serving=True)
        assert (await watch.read()).status == SERVING
        unknown = health_pb2_grpc.HealthStub(serving.channel).Watch(health_pb2.HealthCheckRequest(service="x"))
        assert (await unknown.read()).status == SERVICE_UNKNOWN
        unknown.cancel()
        draining = asyncio.create_task(serving.runtime.drain(2.0))
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() == grpc.aio.EOF
        await draining


async def test_draining_finishes_calls_refuses_new_ones_and_ends_watches():
    async with serving_probe() as serving:
        call = asyncio.ensure_future(serving.stub.Ask(Request(shop_id="gate")))
        await serving.probe.entered.wait()
        watch = serving.stub.WatchAll(Request(shop_id="a"))
        assert (await watch.read()).release_ids == ["now"]
        draining = asyncio.create_task(serving.runtime.drain(5.0))
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watch.read()
        remote = read_error(ended.value)
        assert (remote.code, remote.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        await until(lambda: serving.probe.closed == ["watch"])
        # Calls come in until the server stops, right after its watches were told; one at that very moment is cancelled.
        with pytest.raises(grpc.aio.AioRpcError):
            while not draining.done():
                await serving.stub.Ask(Request(shop_id="a"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await serving.stub.Ask(Request(shop_id="a"))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not call.done()
        serving.probe.gate.set()
        assert (await call).release_ids == ["gate"]
        await asyncio.wait_for(draining, 20.0)


async def test_a_watch_is_ended_only_when_its_message_is_on_its_way() -> None:
    on_its_way = asyncio.Event()

    class Slow:
        async def write(self, _message: str) -> None:
            await on_its_way.wait()

    writing = asyncio.create_task(write_whole(Slow(), "message"))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait({writing}, timeout=0.0)
    assert not writing.done()
    on_its_way.set()
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_a_call_that_does_not_end_is_cut_when_the_drain_time_is_over():
    async with serving_probe() as serving:
        call = asyncio.ensure_future(serving.stub.Ask(Request(shop_id="hang"), timeout=60))
        await serving.probe.entered.wait()
        await asyncio.wait_for(serving.runtime.drain(0.05), 20.0)
        with pytest.raises(grpc.aio.AioRpcError) as cut:
            await call
        assert cut.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        assert serving.probe.cancelled == ["ask"]


async def test_background_work_is_finished_and_resources_are_closed_last_first():
    order: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        order.append("work done")

    async def wire(runtime: Runtime) -> None:
        runtime.resources.callback(order.append, "engine closed")
        runtime.resources.callback(order.append, "channel closed")
        runtime.background.spawn("work", work(), finish=True)
        add_readiness(runtime)

    async with running(definition(wire)) as address:
        assert await check(address)
    assert order == ["work done", "channel closed", "engine closed"]


async def test_a_warm_up_that_fails_leaves_the_server_not_serving_and_is_raised():
    async def fail() -> None:
        raise RuntimeError("no weights")

    async def wire(runtime: Runtime) -> None:
        add_readiness(runtime)
        runtime.warm_up(fail)

    async with started(definition(wire), "127.0.0.1:0") as (runtime, _, warming):
        with pytest.raises(ExceptionGroup) as caught:
            await warming
        assert caught.group_contains(RuntimeError, match="no weights")
        assert runtime.health.status() == NOT_SERVING


async def test_two_servers_cannot_share_a_port():
    async def wire(runtime: Runtime) -> None:
        add_readiness(runtime)

    async with running(definition(wire)) as address:
        with pytest.raises(RuntimeError, match="bind"):
            async with running(definition(wire), address):
                pass


async def test_grpcurl_lists_describes_and_calls_by_reflection():
    async def wire(runtime: Runtime) -> None:
        add_readiness(runtime)

    async def grpcurl(*arguments: str) -> str:
        program = Path(sys.executable).parent / "grpcurl"
        process = await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()

    async with running(definition(wire)) as address:
        listed = await grpcurl("-plaintext", address, "list")
        assert set(listed.split()) >= {READINESS, "grpc.health.v1.Health"}
        assert "ListReadyReleases" in await grpcurl("-plaintext", address, "describe", READINESS)
        request = json.dumps({"shop_id": "boutique"})
        method = f"{READINESS}/ListReadyReleases"
        answer = await grpcurl("-plaintext", "-d", request, address, method)
    assert list(json_format.Parse(answer, common_pb2.ListReadyReleasesResponse()).release_ids) == ["r2", "r1"]


async def test_metrics_are_served_over_http():
    async with serving_probe(metrics_port=0) as serving:
        await serving.stub.Ask(Request(shop_id="a"))
        address = f"http://127.0.0.1:{serving.runtime.metrics_port}/metrics"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read().decode())
    assert f'vitrine_requests_total{{code="OK",method="/{SERVICE}/Ask"}}' in page
    tasks = [line for line in page.splitlines() if line.startswith("vitrine_asyncio_tasks ")]
    assert float(tasks[0].split()[1]) >= 1.0


async def test_the_health_command_exits_with_0_or_1():
    async def exit_status(*arguments: str) -> int:
        command = [sys.executable, "-m", "services.kit.health", "--timeout", "5", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        return await process.wait()

    async with serving_probe() as serving:
        assert await exit_status(serving.address) == 0
        assert await exit_status(serving.address, SERVICE) == 0
        assert await exit_status(serving.address, "no.such.Service") == 1
