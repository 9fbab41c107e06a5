"""Looks at every process of an ensemble now and then: memory, files, threads, tasks, and PostgreSQL's connections."""

import asyncio
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from lab.benchmark.machine import BENCHMARK, processes_of
from lab.benchmark.slopes import slope
from lab.supervisor.directory import HOST, read_directory

TASKS_GAUGE = "vitrine_asyncio_tasks"
METRICS_TIMEOUT_S = 5.0
KINDS = ("memory_mib", "rss_mib", "files", "table_files", "threads", "tasks", "connections")
TOLERATED = {"memory_mib": 0.2, "files": 0.1, "threads": 0.1, "tasks": 0.5, "connections": 0.1}
"""Growth a minute that a soak lets pass: 0.2 MiB a minute are 288 MiB a day. Two are shown and not judged. `rss_mib`
counts what processes share, PostgreSQL's buffers above all, once for each of them. `table_files` are those of its own
folder that PostgreSQL's backends hold open: each keeps the files of every table it has ever touched, up to
`max_files_per_process`, and a backend that a pool seldom asks touches its last table late.
"""
DATABASE = "postgresql"


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment."""

    at_s: float
    """From the beginning."""
    seen: Mapping[str, Mapping[str, float]]
    """Kind → process → value. `memory_mib` counts unique pages; `connections` has the one process postgresql."""


class Sampler:
    """Takes samples until it is cancelled; use `take` in a task."""

    def __init__(self, work: Path, dsn: str, every_s: float) -> None:
        self._work = work
        self._dsn = dsn
        self._every_s = every_s
        self.samples: list[Sample] = []

    async def take(self) -> None:
        """Take a sample every so many seconds."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        database = await asyncpg.connect(self._dsn)
        try:
            while True:
                at_s = loop.time() - began_s
                # In a thread: reading what memory a large process has takes milliseconds, in which no call begins.
                seen = await asyncio.to_thread(_look, self._work)
                seen["connections"] = {"postgresql": float(await database.fetchval(_CONNECTIONS))}
                self.samples.append(Sample(at_s, seen))
                await asyncio.sleep(max(began_s + at_s + self._every_s - loop.time(), 0.0))
        finally:
            await database.close()

    def as_dict(self, after_s: float) -> dict[str, Any]:
        """Return the lines and, from `after_s` on, their slopes a minute with intervals, and what grows."""
        return trends(self.samples, after_s)


_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def trends(samples: list[Sample], after_s: float) -> dict[str, Any]:
    """Lines by kind and process, slopes a minute as [slope, low, high], and the names of what grows or vanished."""
    times = [sample.at_s for sample in samples]
    lines: dict[str, dict[str, list[float]]] = {}
    slopes: dict[str, dict[str, list[float]]] = {}
    growing: list[str] = []
    for kind in KINDS:
        names = sorted({name for sample in samples for name in sample.seen.get(kind, {})})
        for name in names:
            there = [sample for sample in samples if name in sample.seen.get(kind, {})]
            values = [sample.seen[kind][name] for sample in there]
            lines.setdefault(kind, {})[name] = [round(value, 2) for value in values]
            found = slope([sample.at_s for sample in there], values, after_s)
            if found is None:
                continue
            slopes.setdefault(kind, {})[name] = found.as_list()
            if kind in TOLERATED and found.grows(TOLERATED[kind]):
                growing.append(f"{name} {kind}")
    gone = vanished(samples)
    return {
        "seconds": [round(at, 1) for at in times],
        "lines": lines,
        "slopes_a_minute": slopes,
        "slopes_after_s": after_s,
        "tolerated_a_minute": TOLERATED,
        "growing": growing,
        "vanished": gone,
        "flat": bool(slopes) and not growing and not gone,
    }


def vanished(samples: list[Sample]) -> list[str]:
    """Names of processes that were seen once and not in a later sample: what has ended cannot grow.

    Tasks are left out: a process that is slow to show its metrics is still there.
    """
    known: set[str] = set()
    gone: set[str] = set()
    for sample in samples:
        there = {name for kind, values in sample.seen.items() if kind != "tasks" for name in values}
        gone |= known - there
        known |= there
    return sorted(gone)


def _look(work: Path) -> dict[str, dict[str, float]]:
    seen: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    watched = {name: processes for name, processes in processes_of(work).items() if name != BENCHMARK}
    for name, processes in watched.items():
        for process in processes:
            try:
                memory = process.memory_full_info()
                counts = {"files": float(process.num_fds()), "threads": float(process.num_threads())}
                if name == DATABASE:
                    counts["table_files"] = float(files_below(process, process.cwd()))
                    counts["files"] -= counts["table_files"]
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            counts |= {"memory_mib": memory.uss / 2**20, "rss_mib": memory.rss / 2**20}
            for kind, value in counts.items():
                seen[kind][name] = seen[kind].get(name, 0.0) + value
    for entry in read_directory(work):
        if entry.metrics_port is not None and (tasks := _tasks(entry.metrics_port)) is not None:
            seen["tasks"][entry.name] = seen["tasks"].get(entry.name, 0.0) + tasks
    return seen


def files_below(process: psutil.Process, folder: str) -> int:
    """Files of a folder that a process holds open, but for deleted ones: to hold those would be a leak."""
    return sum(Path(each.path).is_relative_to(folder) for each in process.open_files())


def _tasks(port: int) -> float | None:
    """The event loop's tasks that have not ended; None when the process does not say."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=METRICS_TIMEOUT_S) as page:
            return tasks_in(page.read().decode())
    except OSError:
        return None


def tasks_in(metrics_page: str) -> float | None:
    """The number of tasks on a process's metrics page."""
    for line in metrics_page.splitlines():
        name, _, value = line.partition(" ")
        if name == TASKS_GAUGE:
            return float(value)
    return None
