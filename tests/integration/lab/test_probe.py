"""The HEALTHCHECK of the images, run as an image runs it."""

import asyncio
import os
import sys
from pathlib import Path

import grpc
import pytest

from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings

PROBE = Path(__file__).parents[3] / "deploy" / "probe.py"


async def probe(*arguments: str, **environment: str) -> int:
    told = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    process = await asyncio.create_subprocess_exec(sys.executable, PROBE, *arguments, env=told | environment)
    return await process.wait()


@pytest.fixture
def definition() -> ServiceDefinition:
    async def wire(_runtime) -> None:
        return None

    return ServiceDefinition("empty", ServiceSettings(drain_seconds=0.2), wire)


async def test_a_server_that_serves_is_healthy(definition):
    async with running(definition) as address:
        assert await probe("grpc", address) == 0
        assert await probe(VITRINE_LISTEN=address.replace("127.0.0.1", "0.0.0.0")) == 0


async def test_a_server_that_is_not_there_or_still_warms_up_is_not(definition):
    assert await probe("grpc", "127.0.0.1:1") == 1
    never = asyncio.Event()

    async def wire(runtime) -> None:
        runtime.warm_up(never.wait)

    warming = ServiceDefinition("warming", ServiceSettings(drain_seconds=0.2), wire)
    async with running(warming, await_warm_up=False) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            await channel.channel_ready()
        assert await probe("grpc", address) == 1


async def test_a_storefront_is_asked_over_http():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        code = b"200 OK" if b"/healthz" in line else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + code + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await probe("http", f"127.0.0.1:{port}", "/healthz") == 0
        assert await probe("http", f"127.0.0.1:{port}", "/elsewhere") == 1
        assert await probe(VITRINE_STOREFRONT_LISTEN=f"0.0.0.0:{port}") == 0
    assert await probe("http", f"127.0.0.1:{port}", "/healthz") == 1
