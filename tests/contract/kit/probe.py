"""A service with one method of each kind, each behaving as its request tells it to, to try kit on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from services.kit.call_context import CallContext, annotate, current_call
from services.kit.errors import Conflict, InvalidRequest, NotFound
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, started
from services.kit.settings import ServiceSettings
from tests.contract.patience import PATIENCE_MS
from vitrine.common.v1.common_pb2 import ListReadyReleasesRequest as Request
from vitrine.common.v1.common_pb2 import ListReadyReleasesResponse as Response

SERVICE = "vitrine.probe.v1.ProbeService"
Behaviour = Callable[[str], Awaitable[None]]


async def behave(told: str) -> None:
    """Do what the request's shop_id says."""
    match told:
        case "invalid":
            raise InvalidRequest.of("shop_id", "must not be invalid")
        case "missing":
            raise NotFound("no such thing", reason="ITEM_UNKNOWN", metadata={"item_id": "i1"})
        case "conflict":
            raise Conflict("changed meanwhile", reason="EVENT_CONFLICT")
        case "bug":
            raise KeyError("a secret detail")
        case "timeout-bug":
            raise TimeoutError("a secret detail")
        case "hang":
            await asyncio.Event().wait()


@dataclass
class Probe:
    """The servicer; it remembers what it saw."""

    calls: list[CallContext] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request, context: grpc.aio.ServicerContext) -> Response:
        self.note(request.shop_id)
        try:
            if request.shop_id == "gate":
                await self.gate.wait()
            if request.shop_id == "abort":
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, "by hand")
            await behave(request.shop_id)
        except asyncio.CancelledError:
            self.cancelled.append("ask")
            raise
        return Response(release_ids=[request.shop_id])

    async def list_all(self, request: Request, context: grpc.aio.ServicerContext) -> AsyncIterator[Response]:
        self.note(request.shop_id)
        try:
            yield Response(release_ids=["first"])
            await behave(request.shop_id)
            yield Response(release_ids=["second"])
        finally:
            self.closed.append("list_all")

    async def send_all(self, requests: AsyncIterator[Request], context: grpc.aio.ServicerContext) -> Response:
        self.note("stream")
        told = []
        async for request in requests:
            await behave(request.shop_id)
            told.append(request.shop_id)
        return Response(release_ids=told)

    async def watch(self, request: Request, context: grpc.aio.ServicerContext) -> AsyncIterator[Response]:
        self.note(request.shop_id)
        try:
            yield Response(release_ids=["now"])
            await asyncio.Event().wait()
        finally:
            self.closed.append("watch")

    def note(self, told: str) -> None:
        self.calls.append(current_call())
        annotate("told", told)
        self.entered.set()


def add_probe_to_server(probe: Probe, server: grpc.aio.Server) -> None:
    """Register the probe the way generated code registers a servicer."""
    codec = {"request_deserializer": Request.FromString, "response_serializer": Response.SerializeToString}
    handlers = {
        "Ask": grpc.unary_unary_rpc_method_handler(probe.ask, **codec),
        "ListAll": grpc.unary_stream_rpc_method_handler(probe.list_all, **codec),
        "SendAll": grpc.stream_unary_rpc_method_handler(probe.send_all, **codec),
        "WatchAll": grpc.unary_stream_rpc_method_handler(probe.watch, **codec),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_registered_method_handlers(SERVICE, handlers)


class ProbeStub:
    """The client side of the probe."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        codec = {"request_serializer": Request.SerializeToString, "response_deserializer": Response.FromString}
        self.Ask = channel.unary_unary(f"/{SERVICE}/Ask", **codec)
        self.ListAll = channel.unary_stream(f"/{SERVICE}/ListAll", **codec)
        self.SendAll = channel.stream_unary(f"/{SERVICE}/SendAll", **codec)
        self.WatchAll = channel.unary_stream(f"/{SERVICE}/WatchAll", **codec)


@dataclass(frozen=True)
class Serving:
    """A running probe and a way to call it."""

    probe: Probe
    runtime: Runtime
    address: str
    channel: grpc.aio.Channel
    stub: ProbeStub


@asynccontextmanager
async def serving_probe(wire_more: Callable[[Runtime], None] | None = None, **settings) -> AsyncIterator[Serving]:
    """Serve the probe on a free port, with a channel to it."""
    probe = Probe()

    async def wire(runtime: Runtime) -> None:
        runtime.register(add_probe_to_server, probe)
        if wire_more is not None:
            wire_more(runtime)

    definition = ServiceDefinition(
        "probe", ServiceSettings(**{"drain_seconds": 2.0, "default_deadline_ms": PATIENCE_MS, **settings}), wire
    )
    async with (
        started(definition, "127.0.0.1:0") as (runtime, address, warming),
        grpc.aio.insecure_channel(address) as channel,
    ):
        if wire_more is None:
            await warming
        yield Serving(probe, runtime, address, channel, ProbeStub(channel))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another task is about to do, turn by turn of the loop."""
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while not condition():
            await asyncio.sleep(0)
