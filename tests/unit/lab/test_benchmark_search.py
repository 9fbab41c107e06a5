"""The search for the highest load, the slopes of a soak, and what a report makes of runs."""

import asyncio
import random
import time
from collections import Counter
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import psutil
import pytest

from lab.benchmark import run, settling
from lab.benchmark.bisection import Search, highest_load
from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.growth import memory_per_million
from lab.benchmark.machine import Usage
from lab.benchmark.open_loop import MOST_BEHIND_S, LoadResult, open_loop
from lab.benchmark.run import Benchmark, BenchmarkTask, marked
from lab.benchmark.sampling import Sample, files_below, tasks_in, trends, vanished
from lab.benchmark.slopes import slope
from lab.benchmark.swap import LONGEST_S, PROMOTION_S, SwapPlan, _put_back, p99_ratio, without
from lab.benchmark.tables import tables
from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter


@dataclass(frozen=True)
class Tried:
    rate: float
    seconds: float
    sustained: bool


def server(capacity: float, *, tired_after_s: float = 1e9, tired: float = 1.0):
    """A server that sustains its capacity, and only a part of it in long runs."""

    async def run(rate: float, seconds: float) -> Tried:
        limit = capacity * (tired if seconds > tired_after_s else 1.0)
        return Tried(rate, seconds, rate <= limit)

    return run


async def test_the_highest_load_is_found_to_within_a_twentieth_and_confirmed_for_its_time():
    search = Search()
    for capacity in (11.0, 14.0, 17.5, 19.9):
        found = await highest_load(server(capacity), 20.0, search)
        assert capacity - 20.0 * 0.7 / 16 - 1e-9 <= found.rate <= capacity
        assert [each.seconds for each in found.confirmations] == [60.0]
        assert found.confirmed.rate == found.rate
        assert len(found.short) == search.steps


async def test_what_lasts_seconds_but_not_a_minute_is_tried_lower():
    found = await highest_load(server(15.0, tired_after_s=30.0, tired=0.85), 20.0, Search())
    assert len(found.confirmations) > 1
    assert found.rate <= 15.0 * 0.85
    assert found.confirmed is found.confirmations[-1]


async def test_a_server_that_sustains_nothing_has_no_highest_load():
    found = await highest_load(server(0.1), 20.0, Search(steps=2))
    assert (found.rate, found.confirmed, len(found.confirmations)) == (None, None, len(Search().step_down))


def test_a_load_is_sustained_when_it_is_clean_and_the_server_is_not_behind():
    assert LoadResult(1.0, 60.0, drain_s=MOST_BEHIND_S).sustained
    assert not LoadResult(1.0, 60.0, drain_s=MOST_BEHIND_S + 0.1).sustained
    assert not LoadResult(1.0, 10.0, drain_s=MOST_BEHIND_S).sustained
    assert not LoadResult(1.0, 1.0, degraded=1).sustained
    assert not LoadResult(1.0, 1.0, errors=Counter(UNAVAILABLE=1)).sustained


async def test_an_open_loop_ends_when_it_is_told():
    enough, sent = asyncio.Event(), []

    async def send(number: int, _due_s: float) -> bool:
        sent.append(number)
        if len(sent) == 5:
            enough.set()
        return False

    result = await open_loop(send, rate=2_000.0, seconds=60.0, until=enough)
    assert 5 <= len(sent) == len(result.latencies_ms) < 120_000
    assert result.seconds < 60.0
    assert result.due_s == sorted(result.due_s)
    assert result.latencies_between(0.0, 60.0) == result.latencies_ms
    assert result.latencies_between(60.0, 90.0) == []


def test_the_slope_of_a_noisy_line_lies_in_its_interval():
    noise = random.Random(3)
    seconds = [10.0 * number for number in range(60)]
    growing = [100.0 + 0.5 * at / 60.0 + noise.gauss(0.0, 0.2) for at in seconds]
    flat = [100.0 + noise.gauss(0.0, 0.2) for _ in seconds]
    found = slope(seconds, growing)
    assert found.low <= 0.5 <= found.high
    assert found.grows(0.2)
    assert not slope(seconds, flat).grows(0.05)
    assert slope(seconds[:4], flat[:4]) is None


def test_a_slope_leaves_the_warm_up_out_and_one_spike_does_not_move_it():
    seconds = [float(number) for number in range(100)]
    values = [50.0 * (at < 30.0) + 7.0 + 0.0 * at for at in seconds]
    values[60] += 500.0
    found = slope(seconds, values, after_s=30.0)
    assert (found.a_minute, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_soak_names_what_grows():
    samples = [
        Sample(10.0 * number, {"memory_mib": {"ranker": 60.0 + number, "composer": 90.0}, "files": {"ranker": 12.0}})
        for number in range(30)
    ]
    found = trends(samples, after_s=60.0)
    assert found["growing"] == ["ranker memory_mib"]
    assert found["flat"] is False
    assert found["slopes_a_minute"]["memory_mib"]["ranker"] == [6.0, 6.0, 6.0]
    assert found["lines"]["files"]["ranker"] == [12.0] * 30
    steady = trends([Sample(each.at_s, {"files": each.seen["files"]}) for each in samples], after_s=0.0)
    assert (steady["growing"], steady["flat"]) == ([], True)


def test_a_process_that_vanishes_in_a_soak_is_named():
    files = {"composer": 9.0, "ranker": 12.0}
    samples = [
        Sample(10.0 * number, {"files": files if number < 20 else {"composer": 9.0}, "tasks": {"ranker": 3.0}})
        for number in range(30)
    ]
    found = trends(samples, after_s=0.0)
    assert (found["growing"], found["vanished"], found["flat"]) == ([], ["ranker"], False)
    slow_to_tell = [Sample(each.at_s, {"files": files, "tasks": {}}) for each in samples]
    assert vanished([samples[0], *slow_to_tell]) == []


def test_files_of_a_folder_are_told_from_others_and_from_deleted_ones(tmp_path):
    there, elsewhere = tmp_path / "base", tmp_path / "base_of_another"
    there.mkdir()
    elsewhere.mkdir()
    with ExitStack() as files:
        for path in (there / "table", there / "gone", elsewhere / "table"):
            files.enter_context(path.open("w"))
        (there / "gone").unlink()
        assert files_below(psutil.Process(), str(there)) == 1


def test_growth_of_a_databases_own_files_is_shown_and_not_judged():
    samples = [Sample(10.0 * number, {"table_files": {"postgresql": 100.0 + number}}) for number in range(30)]
    found = trends(samples, after_s=0.0)
    assert (found["growing"], found["slopes_a_minute"]["table_files"]["postgresql"][0]) == ([], 6.0)


def test_tasks_are_read_from_a_metrics_page():
    page = "# TYPE vitrine_asyncio_tasks gauge\nvitrine_asyncio_tasks 17.0\nvitrine_asyncio_tasks_other 3.0\n"
    assert tasks_in(page) == 17.0
    assert tasks_in("python_info 1.0\n") is None


def test_memory_per_million_users_is_growth_of_all_processes():
    steps = [
        {"users": 1_000, "shared_out_memory_mib": {"postgresql": 100.0, "ranker": 50.0}, "database_mib": 10.0},
        {"users": 501_000, "shared_out_memory_mib": {"postgresql": 130.0, "ranker": 60.0}, "database_mib": 510.0},
    ]
    found = memory_per_million(steps)
    assert found["memory_mib_per_million_users"] == 80.0
    assert found["memory_mib_per_million_users_by_process"] == {"postgresql": 60.0, "ranker": 20.0}
    assert found["database_mib_per_million_users"] == 1_000.0
    assert memory_per_million(steps[:1]) == {}
    assert memory_per_million([steps[0], {**steps[1], "users": 5_000}]) == {}


def test_the_ratio_of_two_p99s_has_an_interval_around_it():
    before, during = [float(number) for number in range(1, 201)], [2.0 * number for number in range(1, 201)]
    ratio, low, high = p99_ratio(during, before)
    assert ratio == pytest.approx(2.0)
    assert low < 2.0 < high
    with pytest.raises(ValueError, match="no pages"):
        p99_ratio([], before)


OLD, COPY, OTHER = "r20260101000000", "r20260101000001", "r20260101000002"


@pytest.mark.parametrize(
    ("now", "after"),
    [
        (Labels(stable=OLD, previous=COPY), Labels(stable=OLD, previous="older")),
        (Labels(stable=OLD, previous="older"), Labels(stable=OLD, previous="older")),
        (Labels(stable=OTHER, previous=COPY), Labels(stable=OTHER, previous=OLD)),
        (Labels(stable=OTHER, previous=OLD, canary=COPY), Labels(stable=OTHER, previous=OLD)),
        (Labels(stable=OLD, previous=COPY, canary=OTHER), Labels(stable=OLD, previous="older", canary=OTHER)),
    ],
)
def test_only_labels_that_name_the_copy_are_put_back(now, after):
    assert without(COPY, now, Labels(stable=OLD, previous="older")) == after


async def test_a_release_that_was_trained_during_a_swap_stays(tmp_path):
    releases = ReleaseDirectory(tmp_path, "shop")
    for second in range(3):
        with ReleaseWriter(tmp_path, "shop", datetime(2026, 1, 1, second=second, tzinfo=UTC)) as writer:
            writer.publish(data_sha256="", spaces={}, calibrated=False)
    releases.write_labels(Labels(stable=OTHER, previous=COPY))
    await _put_back(SimpleNamespace(releases=releases, stable=OTHER), Labels(stable=OLD), COPY)
    assert releases.labels() == Labels(stable=OTHER, previous=OLD)
    assert releases.list_ids() == [OTHER, OLD]


def test_a_swaps_load_lasts_as_long_as_its_patience():
    plan = SwapPlan()
    assert plan.warm_up_s + plan.before_s + 2 * PROMOTION_S + plan.after_s < LONGEST_S


def test_parts_that_are_made_once_are_made_at_the_home_size(tmp_path):
    task = BenchmarkTask(tmp_path, "boutique")
    assert task.parts_of(2_000) == ["floor", "load", "sessions", "swap"]
    assert task.parts_of(20_000) == ["floor", "load", "sessions", "swap", "events", "soak", "users"]
    small = BenchmarkTask(tmp_path, "boutique", sizes=(2_000,), parts=("events", "users", "floor"))
    assert small.parts_of(2_000) == ["floor", "events"]
    million = BenchmarkTask(tmp_path, "boutique", sizes=(1_000_000,), parts=("floor", "soak"))
    assert million.parts_of(1_000_000) == ["floor", "soak"]


async def test_what_fails_does_not_take_the_rest_with_it(tmp_path, monkeypatch):
    benchmark = Benchmark(BenchmarkTask(tmp_path, "boutique", sizes=(2_000, 3_000), parts=("load",)), lambda *_: None)
    measured = []

    async def measure(items: int, parts) -> None:
        measured.append(items)
        if items == 2_000:
            raise BenchmarkFailed("no shop")

    monkeypatch.setattr(benchmark, "_measure", measure)
    with pytest.raises(BenchmarkFailed, match="2000 start: no shop"):
        await benchmark.run()
    assert measured == [2_000, 3_000]
    assert benchmark.result["failed"] == {"2000 start": "no shop"}


def test_disturbed_runs_are_found_wherever_they_are():
    result = {"a": {"disturbed": True}, "b": [{"c": {"disturbed": False}}, {"c": {"disturbed": True}}]}
    assert marked(result, "disturbed") == ["a", "b[1].c"]


async def test_an_ensemble_that_does_not_come_to_rest_is_marked(tmp_path, monkeypatch):
    def busy(_work: object) -> Usage:
        now_s = time.monotonic()
        return Usage(now_s, {"ranker": now_s}, 2.0 * now_s)

    monkeypatch.setattr(settling, "usage", busy)
    monkeypatch.setattr(settling, "LOOK_EVERY_S", 0.01)
    found = await settling.at_rest(tmp_path, 0.03)
    assert found == {"cores_at_rest": 1.0, "restless": True}
    monkeypatch.setattr(settling, "usage", lambda _work: Usage(time.monotonic(), {"ranker": 0.0}, 0.0))
    assert await settling.at_rest(tmp_path, 60.0) == {"cores_at_rest": 0.0, "restless": False}


async def test_a_report_says_which_sizes_were_measured_without_rest(tmp_path, monkeypatch):
    @asynccontextmanager
    async def started(*_args: object, **_options: object):
        yield SimpleNamespace(shop=SimpleNamespace(item_count=2_000, users=[]), work=tmp_path), []

    async def restless(*_: object) -> dict:
        return {"cores_at_rest": 0.9, "restless": True}

    benchmark = Benchmark(BenchmarkTask(tmp_path, "boutique", sizes=(2_000,), parts=("load",)), lambda *_: None)

    async def make(*_: object) -> None:
        return None

    monkeypatch.setattr(run, "running", started)
    monkeypatch.setattr(run, "at_rest", restless)
    monkeypatch.setattr(benchmark, "_make", make)
    result = await benchmark.run()
    assert result["catalogues"]["2000"]["start"]["cores_at_rest"] == 0.9
    assert result["restless"] == ["catalogues.2000.start"]
    assert "**Not at rest** before: catalogues.2000.start." in tables(result)
