"""A service as a process: it starts, says where it listens, and ends by itself on SIGTERM, in time."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from services.kit.drain import STATUS_WHEN_FORCED
from services.kit.health import check
from tests.contract.kit.probe import SERVICE, ProbeStub, Request


class Process:
    """A running probe process and what it logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, object]] = []

    async def logged(self, message: str) -> dict[str, object]:
        """Wait for a log line."""
        async with asyncio.timeout(30.0):
            while line := await self.process.stderr.readline():
                self.lines.append(json.loads(line))
                if self.lines[-1]["message"] == message:
                    return self.lines[-1]
        raise AssertionError(f"the process ended without logging {message!r}: {self.lines}")

    async def end(self, kind: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        """Send a signal; return exit status, seconds and standard output."""
        begun_s = time.perf_counter()
        self.process.send_signal(kind)
        output, _ = await asyncio.wait_for(self.process.communicate(), 30.0)
        return self.process.returncode, time.perf_counter() - begun_s, output.decode()


@asynccontextmanager
async def probe_process(*arguments: str, drain_seconds: float = 2.0) -> AsyncIterator[Process]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")},
        "VITRINE_LISTEN": "127.0.0.1:0",
        "VITRINE_LOG_FORMAT": "json",
        "VITRINE_DRAIN_SECONDS": str(drain_seconds),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.kit.probe_process", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_cleanly(kind):
    async with probe_process() as process:
        address = str((await process.logged("serving"))["address"])
        assert await check(address, SERVICE)
        status, _, output = await process.end(kind)
    assert status == 0
    assert output == "resources closed\n"
    assert process.lines[0]["message"] == "starting"
    assert process.lines[0]["drain_seconds"] == "2.0"


async def test_a_watch_does_not_hold_the_end_up():
    async with probe_process(drain_seconds=20.0) as process:
        address = str((await process.logged("serving"))["address"])
        async with grpc.aio.insecure_channel(address) as channel:
            watch = ProbeStub(channel).WatchAll(Request(shop_id="a"))
            assert (await watch.read()).release_ids == ["now"]
            status, seconds, _ = await process.end()
    assert status == 0
    # A watch that held it up would take all that calls in flight may have of the 20 seconds.
    assert seconds < 12.0


async def test_a_thread_that_never_ends_does_not_hold_the_process_up():
    async with probe_process("hang-in-thread", drain_seconds=0.5) as process:
        await process.logged("serving")
        status, _, output = await process.end()
    assert status == STATUS_WHEN_FORCED
    assert output == "resources closed\n"


async def test_a_signal_during_warm_up_ends_the_process():
    async with probe_process("never-warm") as process:
        address = str((await process.logged("listening"))["address"])
        assert not await check(address, SERVICE)
        status, _, output = await process.end()
    assert (status, output) == (0, "resources closed\n")


async def test_a_signal_during_wiring_ends_the_process():
    async with probe_process("never-wired") as process:
        assert await process.process.stdout.readline() == b"wiring\n"
        status, _, output = await process.end()
    assert (status, output) == (0, "resources closed\n")


async def test_a_failed_warm_up_ends_the_process_with_1():
    async with probe_process("fail-warm") as process:
        line = await process.logged("the service cannot go on")
        assert "no weights" in str(line["trace"])
        await asyncio.wait_for(process.process.communicate(), 30.0)
        assert process.process.returncode == 1
