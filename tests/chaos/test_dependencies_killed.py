"""Dependencies die one by one, two by two, and all at once, while pages are being requested and events recorded.

Breakers are closed when a dependency dies: nothing but the requests themselves finds out.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import combinations

import grpc
import pytest

from tests.chaos.latencies import Latencies
from tests.chaos.recorder import Recorder, exported_event_ids
from tests.e2e.ensemble import SmallEnsemble
from tests.e2e.visitors import PATIENCE_S, Asked, Visitors, emptiness, eventually, is_whole
from vitrine.page_composer.v1 import page_composer_pb2 as pb

DEPENDENCIES = ("user_profile", "ranker", "model_server", "item_vision", "postgresql")
TOGETHER = [*((name,) for name in DEPENDENCIES), *combinations(DEPENDENCIES, 2)]
PAGES_BEFORE, PAGES_DOWN = 10, 40
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
CAUSES = {"timeout", "unavailable", "breaker_open", "not_ready"}


@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
async def test_pages_outlive_what_is_killed(
    small_ensemble: SmallEnsemble, latencies: Latencies, names: tuple[str, ...]
) -> None:
    processes = small_ensemble.processes
    others = {name: pids for name, pids in processes.pids().items() if name not in names}
    async with visitors_of(small_ensemble) as visitors, recorder_of(small_ensemble, names) as recorder:
        await visitors.settle("before", is_whole, PAGES_BEFORE)
        visitors.phase = "killing"
        async with killed(small_ensemble, names):
            down = await pages_without(visitors, names)
            visitors.phase = "restarting"
        recovery_s = await visitors.settle("after", is_whole)
        kept = len(recorder.acknowledged)
    latencies.take(" + ".join(names), down, recovery_s)
    assert [emptiness(each) for each in visitors.asked if emptiness(each)] == []
    assert [each.degraded for each in down if not says_what_is_missing(each, names)] == []
    assert {name: pids for name, pids in processes.pids().items() if name not in names} == others
    assert kept > 0
    await assert_nothing_acknowledged_is_lost(small_ensemble, recorder)


@pytest.mark.parametrize("name", ["user_profile", "ranker", "model_server", "item_vision"])
async def test_pages_come_in_time_while_a_dependency_hangs(
    small_ensemble: SmallEnsemble, latencies: Latencies, name: str
) -> None:
    async with visitors_of(small_ensemble) as visitors, recorder_of(small_ensemble, [f"{name}-hangs"]) as recorder:
        await visitors.settle("before", is_whole, PAGES_BEFORE)
        visitors.phase = "suspending"
        for replica in replicas(small_ensemble, name):
            small_ensemble.processes.suspend(name, replica)
        try:
            down = await visitors.many("down", PAGES_DOWN)
        finally:
            for replica in replicas(small_ensemble, name):
                small_ensemble.processes.resume(name, replica)
        recovery_s = await visitors.settle("after", is_whole)
    latencies.take(f"{name} hangs", down, recovery_s)
    assert [emptiness(each) for each in visitors.asked if emptiness(each)] == []
    assert [each.degraded for each in down if not says_what_is_missing(each, [name])] == []
    await assert_nothing_acknowledged_is_lost(small_ensemble, recorder)


async def test_with_everything_down_pages_come_from_what_is_loaded_and_after_a_restart_from_the_static_page(
    small_ensemble: SmallEnsemble, latencies: Latencies
) -> None:
    async with visitors_of(small_ensemble) as visitors, recorder_of(small_ensemble, ["everything"]) as recorder:
        await visitors.settle("before", is_whole, PAGES_BEFORE)
        visitors.phase = "killing"
        async with killed(small_ensemble, DEPENDENCIES):
            down = await pages_without(visitors, DEPENDENCIES)
            static = await static_pages(small_ensemble, visitors)
    async with visitors_of(small_ensemble) as visitors:
        recovery_s = await visitors.settle("after", is_whole)
    latencies.take("everything", down, recovery_s)
    latencies.take("everything, after a restart", static, recovery_s)
    assert [emptiness(each) for each in [*down, *static] if emptiness(each)] == []
    assert {each.degraded.get("item_vision") for each in static} == {"static_page"}
    origins = {slot.origin for each in static for section in sections(each) for slot in section.slots}
    assert origins == {pb.SLOT_ORIGIN_STATIC}
    await assert_nothing_acknowledged_is_lost(small_ensemble, recorder)


def visitors_of(made: SmallEnsemble) -> Visitors:
    return Visitors(made.address("page_composer"), made.shop_id, made.users(12))


def recorder_of(made: SmallEnsemble, names: Sequence[str]) -> Recorder:
    return Recorder(made.address("user_profile"), made.shop_id, f"chaos-{'-'.join(names)}", "item-00001")


def replicas(made: SmallEnsemble, name: str) -> range:
    return range(max(len(made.address(name)) if name != "postgresql" else 1, 1))


@asynccontextmanager
async def killed(made: SmallEnsemble, names: Collection[str]) -> AsyncIterator[None]:
    """Kill every replica at about the same moment, keep them down, and start them again whatever happens."""
    places = [(name, replica) for name in names for replica in replicas(made, name)]
    try:
        await asyncio.gather(*(asyncio.to_thread(made.processes.kill, *each, hold=True) for each in places))
        yield
    finally:
        restarts = (asyncio.to_thread(made.processes.restart, *each, timeout_s=PATIENCE_S) for each in places)
        await asyncio.gather(*restarts)


async def static_pages(made: SmallEnsemble, visitors: Visitors) -> list[Asked]:
    """Pages of a composer that was started with nothing else up: what it had loaded is gone."""
    visitors.phase = "composer restarting"
    await asyncio.to_thread(made.processes.restart, "page_composer", timeout_s=PATIENCE_S)
    await visitors.settle("composer back", lambda each: each.page is not None)
    return await visitors.many("static", PAGES_DOWN)


def sections(asked: Asked) -> Sequence[pb.Section]:
    return asked.page.sections if asked.page else ()


def visible(names: Collection[str]) -> set[str]:
    """What pages can tell of: without the ranker nobody asks the model server."""
    return set(names) - ({"model_server"} if "ranker" in names else set())


async def pages_without(visitors: Visitors, names: Collection[str]) -> list[Asked]:
    """Pages made while dependencies are down, until every one of these has been named."""

    def named() -> set[str]:
        return {name for each in visitors.of("down") for name in each.degraded}

    await visitors.many("down", PAGES_DOWN)
    await eventually(lambda: named() >= visible(names), f"pages that name {visible(names)}")
    return visitors.of("down")


def says_what_is_missing(asked: Asked, names: Collection[str]) -> bool:
    """Every dependency that a page asks is named, with a cause. PostgreSQL is asked behind others, and once a second:
    a page made before that look names those that could not do without it.
    """
    expected = visible(names) - {"postgresql"}
    if "postgresql" in names:
        expected |= {"user_profile", "item_vision"}
    known_causes = asked.page is not None and {each.cause for each in asked.page.degraded} <= CAUSES
    return known_causes and expected <= set(asked.degraded)


async def assert_nothing_acknowledged_is_lost(made: SmallEnsemble, recorder: Recorder) -> None:
    """Everything acknowledged is stored, once; nothing is stored that was never sent."""
    stored = await exported_event_ids(made.address("user_profile"), made.shop_id, recorder.user_id)
    assert len(stored) == len(set(stored))
    assert set(recorder.acknowledged) <= set(stored) <= recorder.sent
    assert set(recorder.refusals) <= PASSING
