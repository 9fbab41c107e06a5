"""The benchmark's own parts: messages kept whole, proxies that change nothing, a load client that hides nothing."""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from lab.benchmark import events
from lab.benchmark.floor import WIDTH
from lab.benchmark.machine import Usage
from lab.benchmark.messages import CALLS, read_pages, write_pages
from lab.benchmark.open_loop import LoadResult, _due, closed_loop, open_loop
from lab.benchmark.recording import Recorder
from lab.benchmark.sessions import EmptyPage, Sessions
from vitrine.page_composer.v1 import page_composer_pb2

UNARY, STREAM, FAILS = "/test.Service/Unary", "/test.Service/Stream", "/test.Service/Fails"


def same(message: bytes) -> bytes:
    return message


class Upstream(grpc.GenericRpcHandler):
    """A server with a unary method, a stream and one that refuses."""

    def service(self, details):
        async def unary(request, context):
            return request * 2

        async def stream(request, context):
            for number in range(3):
                yield request + bytes([number])

        async def fails(request, context):
            await context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")

        if details.method == STREAM:
            return grpc.unary_stream_rpc_method_handler(stream, same, same)
        return grpc.unary_unary_rpc_method_handler(unary if details.method == UNARY else fails, same, same)


@pytest.fixture
async def proxied():
    """A recorder in front of `Upstream`, and a channel to its proxy."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Upstream(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Recorder(["upstream"], [UNARY]) as recorder:
        recorder.forward_to("upstream", f"127.0.0.1:{port}")
        async with grpc.aio.insecure_channel(recorder.addresses["upstream"]) as channel:
            yield recorder, channel
    await server.stop(None)


async def test_a_proxy_passes_every_kind_of_call_on_and_keeps_what_it_should(proxied):
    recorder, channel = proxied
    header = (("x-request-id", "page-1"),)
    assert await channel.unary_unary(UNARY, same, same)(b"ab", metadata=header) == b"abab"
    assert [part async for part in channel.unary_stream(STREAM, same, same)(b"s")] == [b"s\0", b"s\1", b"s\2"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(FAILS, same, same)(b"")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.NOT_FOUND, "nothing here")
    assert recorder.complete([UNARY]) == {"page-1": {UNARY: (b"ab", b"abab")}}
    assert recorder.complete([UNARY, STREAM]) == {}


def test_recorded_pages_are_read_as_they_were_written(tmp_path: Path):
    request = page_composer_pb2.ComposePageRequest(shop_id="boutique").SerializeToString()
    pages = [{call.path: (request, b"\x00\xff") for call in CALLS}, {}]
    write_pages(tmp_path / "pages", pages)
    assert read_pages(tmp_path / "pages") == pages
    assert len({call.path for call in CALLS}) == 5
    assert WIDTH == 64


async def test_every_call_that_is_due_is_counted_once():
    seen = Counter()

    async def send(number: int, _due_s: float) -> bool:
        seen[number] += 1
        if number % 4 == 3:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
        return number % 4 == 1

    result = await open_loop(send, rate=2_000.0, seconds=0.02)
    count = len(seen)
    assert seen == Counter(range(count))
    assert result.errors == Counter(UNAVAILABLE=count // 4)
    assert (len(result.latencies_ms), result.degraded) == (count - count // 4, (count + 2) // 4)
    assert not result.clean
    assert LoadResult(1.0, 1.0).clean


async def test_an_error_that_is_none_of_grpcs_is_counted_too():
    async def send(number: int, _due_s: float) -> bool:
        if number % 2:
            raise ValueError("an empty page")
        return False

    result = await open_loop(send, rate=2_000.0, seconds=0.02)
    assert result.errors["ValueError"] > 0
    assert len(result.latencies_ms) - result.errors.total() in (0, 1)
    assert not result.clean


async def test_calls_are_due_within_the_time_of_a_run_and_as_many_as_chance_has_it():
    runs = [list(_due(50.0, 4.0, seed)) for seed in range(40)]
    assert all(due[0] > 0.0 and due == sorted(due) and 3.0 < due[-1] < 4.0 for due in runs)
    counts = [len(due) for due in runs]
    assert 190 < sum(counts) / len(counts) < 210
    assert 8 < np.std(counts) < 21
    assert list(_due(1e-9, 4.0, 1)) == [2.0]


async def test_rates_count_over_the_whole_time_of_a_run():
    async def send(_number: int, _due_s: float) -> bool:
        return False

    result = await open_loop(send, rate=1e-9, seconds=0.02)
    assert len(result.latencies_ms) == 1
    assert result.lasted_s >= result.seconds == 0.02


async def test_a_cancelled_run_is_cancelled():
    async def send(_number: int, _due_s: float) -> bool:
        await asyncio.Event().wait()
        return False

    run = asyncio.create_task(open_loop(send, rate=2_000.0, seconds=0.002))
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_session_that_gets_an_empty_page_ends_with_an_error_of_its_own(monkeypatch):
    async def page(*_: object) -> page_composer_pb2.Page:
        return page_composer_pb2.Page()

    async def record(*_: object) -> int:
        return 0

    rig = SimpleNamespace(
        run_id="run", composer=grpc.aio.insecure_channel("a"), profiles=grpc.aio.insecure_channel("b")
    )
    sessions = Sessions(rig, ["visitor"])
    monkeypatch.setattr("lab.benchmark.sessions.THINK_S", 0.0)
    monkeypatch.setattr(sessions, "_page", page)
    monkeypatch.setattr(sessions, "_record", record)
    with pytest.raises(EmptyPage):
        await sessions.session(0, asyncio.get_running_loop().time() - 60.0)
    # The page counts from when the session was due, however late it began.
    assert sessions.counts.took_ms["page"][0] >= 60_000.0


async def test_calls_that_a_stalled_server_keeps_waiting_show_it():
    stalled = asyncio.Lock()

    async def one_at_a_time(_number: int, _due_s: float) -> bool:
        async with stalled:
            await asyncio.sleep(0.002)
        return False

    result = await open_loop(one_at_a_time, rate=10_000.0, seconds=0.004)
    # About forty calls fell due within four milliseconds and were served one by one: each waited for those before it.
    assert len(result.latencies_ms) > 20
    assert sorted(result.latencies_ms) == result.latencies_ms
    assert result.latencies_ms[-1] > 5 * result.latencies_ms[0]


async def test_events_are_removed_when_their_recording_fails(monkeypatch, tmp_path):
    removed = []

    async def fails(*_: object) -> float:
        raise ConnectionError("the service is gone")

    async def remove(dsn: str) -> None:
        removed.append(dsn)

    monkeypatch.setattr(events, "closed_loop", fails)
    monkeypatch.setattr(events, "_remove", remove)
    monkeypatch.setattr(events, "_recording", lambda _rig: None)
    rig = SimpleNamespace(work=tmp_path, ensemble=SimpleNamespace(dsn="the database"))
    with pytest.raises(ConnectionError):
        await events.events_a_second(rig, 1.0)
    assert removed == ["the database"]


async def test_a_closed_loop_keeps_so_many_in_flight():
    flying, most = 0, 0

    async def send(_number: int) -> bool:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1
        return False

    assert await closed_loop(send, in_flight=5, seconds=0.01) > 0
    assert most == 5


def test_load_of_others_is_what_the_machine_spent_beyond_ours():
    before = Usage(10.0, {"ranker": 1.0, "benchmark": 2.0}, 100.0)
    after = Usage(14.0, {"ranker": 2.0, "benchmark": 3.0, "new": 0.5}, 104.5)
    spent = after.since(before)
    assert spent.as_dict(pages=100) == {
        "cpu_ms_a_page": {"benchmark": 10.0, "new": 5.0, "ranker": 10.0},
        "other_load": 0.5,
        "disturbed": True,
    }
    assert (spent.services_s, spent.noise()["disturbed"]) == (1.5, True)
