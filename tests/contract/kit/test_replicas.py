"""One name, several replicas: each of them is asked."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.kit.errors import DependencyDown
from services.kit.replicas import Replicas, resolve_by_dns
from services.kit.serving import running
from tests.contract.kit.probe import Probe, ProbeStub, Request
from tests.contract.kit.test_connections import definition


class Names:
    """What a name stands for, as the test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def __call__(self, host: str, port: int) -> list[str]:
        if not self.addresses:
            raise OSError(f"{host} is unknown")
        return self.addresses


async def ask(replicas: Replicas) -> None:
    for upstream in await replicas.current():
        await upstream.call(ProbeStub(upstream.channel).Ask, Request(shop_id="a"), timeout_s=5)


async def test_every_replica_behind_a_name_is_asked_and_new_ones_are_found():
    probes = [Probe(), Probe(), Probe()]
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(running(definition(probe))) for probe in probes]
        names = Names(*places[:2])
        replicas = Replicas("probe", ["probe:7103"], resolve=names)
        stack.push_async_callback(replicas.close)
        await ask(replicas)
        assert [len(probe.calls) for probe in probes] == [1, 1, 0]
        names.addresses = places[1:]
        kept = (await replicas.current())[0]
        await ask(replicas)
        assert [len(probe.calls) for probe in probes] == [1, 2, 1]
        assert (await replicas.current())[0] is kept


async def test_callers_at_the_same_time_are_not_disturbed_by_replicas_that_go_away():
    probe = Probe()
    async with running(definition(probe)) as place:
        names = Names(place, "127.0.0.1:1", "127.0.0.1:2")
        replicas = Replicas("probe", ["probe:7103"], resolve=names)
        (leaving, *_) = await replicas.current()
        names.addresses = ["127.0.0.1:3"]
        found = await asyncio.gather(*(replicas.current() for _ in range(3)))
        assert found[0] == found[1] == found[2]
        await leaving.call(ProbeStub(leaving.channel).Ask, Request(shop_id="a"), timeout_s=5)
        await replicas.close()
    assert len(probe.calls) == 1


async def test_a_name_that_stands_for_nothing_is_a_dependency_that_is_down():
    replicas = Replicas("ranker", ["ranker:7103"], resolve=Names())
    with pytest.raises(DependencyDown, match="not a known name"):
        await replicas.current()


async def test_numbers_need_no_look_up():
    replicas = Replicas("ranker", ["127.0.0.1:1", "127.0.0.1:2"], resolve=Names())
    assert len(await replicas.current()) == 2
    await replicas.close()


async def test_names_are_looked_up_in_dns():
    assert await resolve_by_dns("localhost", 7103) == ["127.0.0.1:7103"]


async def test_a_channel_over_a_name_reaches_what_it_stands_for():
    probe = Probe()
    async with running(definition(probe)) as address:
        port = address.rpartition(":")[2]
        replicas = Replicas("probe", [f"localhost:{port}"])
        await ask(replicas)
        await replicas.close()
    assert len(probe.calls) == 1
