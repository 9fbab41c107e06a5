"""The benchmark's parts on a running ensemble, for seconds: they measure, and leave everything as they found it."""

import asyncio

import grpc
import pytest

from lab.benchmark.bisection import Search
from lab.benchmark.loading import LoadPlan, under_load
from lab.benchmark.machine import memory_mib, processes_of, shared_out_memory_mib
from lab.benchmark.rig import MeasuredShop, Rig
from lab.benchmark.sampling import Sampler
from lab.benchmark.sessions import browse
from lab.benchmark.swap import SwapPlan, swapped
from tests.e2e.ensemble import SmallEnsemble
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

USERS = 12
PATIENCE_S = 60.0


@pytest.fixture
async def rig(small_ensemble: SmallEnsemble):
    users = small_ensemble.users(USERS)
    shop = MeasuredShop(small_ensemble.shop_id, users, ["any item"], 200, synthetic=False)
    async with Rig(small_ensemble.processes, shop, "bench-test") as made:
        yield made


async def test_a_load_is_measured_with_what_it_costs(rig: Rig):
    plan = LoadPlan(
        closed_seconds=0.5,
        seconds=0.5,
        half_seconds=0.5,
        loads=(0.5,),
        search=Search(0.5, 0.5, lowest=0.05, highest=0.2, steps=1),
    )
    found = await under_load(rig, plan)
    assert found["closed_loop_pages_a_second"] > 0.0
    assert found["half"]["answered"] > 0
    assert found["half"]["errors"] == {}
    assert {"page_composer", "ranker", "user_profile", "benchmark"} <= found["half"]["cpu_ms_a_page"].keys()


async def test_sessions_see_their_own_events_and_are_forgotten(rig: Rig):
    found = await browse(rig, pages_a_second=3.0, seconds=3.0)
    assert found["sessions"] > 0
    assert (found["errors"], found["stale"]) == ({}, 0)
    assert found["events_a_second"] > 0.0
    assert set(found["latency_ms"]) == {"page", "record", "click", "item page", "next page"}
    stub = user_profile_pb2_grpc.UserProfileServiceStub(rig.profiles)
    request = user_profile_pb2.ExportUserDataRequest(shop_id=rig.shop.shop_id, user_id="bench-test-visitor-0")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ExportUserData(request).read()
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_swap_is_measured_and_put_back(rig: Rig):
    labels, ids = rig.releases.labels(), rig.releases.list_ids()
    found = await swapped(rig, 3.0, SwapPlan(warm_up_s=0.1, before_s=2.0, after_s=1.0))
    assert found["errors"] == {}
    assert found["releases"] == 2
    assert list(found["marks_s"]) == ["copied", "published", "promoted", "first_page"]
    assert all(count > 0 for count in found["pages"])
    assert (rig.releases.labels(), rig.releases.list_ids()) == (labels, ids)


async def test_every_process_is_looked_at(rig: Rig):
    sampler = Sampler(rig.work, rig.ensemble.dsn, every_s=0.1)
    taking = asyncio.create_task(sampler.take())
    async with asyncio.timeout(PATIENCE_S):
        while len(sampler.samples) < 2 and not taking.done():
            await asyncio.sleep(0.05)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    seen = sampler.samples[-1].seen
    services = {"user_profile", "item_vision", "ranker", "page_composer"}
    assert services <= seen["tasks"].keys()
    assert services | {"postgresql", "model_server"} <= seen["memory_mib"].keys()
    assert seen["connections"]["postgresql"] >= 1.0
    assert all(value > 0.0 for kind in ("files", "threads", "rss_mib") for value in seen[kind].values())
    assert memory_mib(rig.work).keys() == processes_of(rig.work).keys()
    assert "benchmark" not in shared_out_memory_mib(rig.work)
