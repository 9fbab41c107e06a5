"""What the machine and the processes of an ensemble spend: CPU by process, memory, and what others took meanwhile."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.supervisor.directory import read_directory


@dataclass(frozen=True)
class Usage:
    """Counters at one moment."""

    at_s: float
    cpu_s: Mapping[str, float]
    """By process name, replicas and children together; "benchmark" is this process."""
    machine_s: float
    """CPU seconds that all processes of the machine have used."""

    def since(self, before: "Usage") -> "Spent":
        """What was used since an earlier moment."""
        cpu = {name: spent - before.cpu_s.get(name, 0.0) for name, spent in self.cpu_s.items()}
        others = self.machine_s - before.machine_s - sum(cpu.values())
        return Spent(self.at_s - before.at_s, cpu, max(others, 0.0))


@dataclass(frozen=True)
class Spent:
    """What was used in a while."""

    seconds: float
    cpu_s: Mapping[str, float]
    others_s: float
    """CPU seconds of processes that are not ours: the noise of the measurement."""

    def as_dict(self, pages: int) -> dict[str, object]:
        """Return CPU milliseconds a page by process, and the load that others made (1.0: one core)."""
        per_page = {name: round(spent * 1_000.0 / pages, 2) for name, spent in sorted(self.cpu_s.items())}
        return {"cpu_ms_a_page": per_page, "other_load": round(self.others_s / self.seconds, 3)}


def usage(work: Path) -> Usage:
    """Read the counters now."""
    cpu: dict[str, float] = {}
    for name, processes in _processes(work).items():
        cpu[name] = sum(_cpu_s(process) for process in processes)
    times = psutil.cpu_times()
    machine_s = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    return Usage(time.monotonic(), cpu, machine_s)


def memory_mib(work: Path) -> dict[str, float]:
    """Memory by process name: unique pages, so that what processes share is not counted twice."""
    return {
        name: round(sum(_memory(process) for process in processes) / 2**20, 1)
        for name, processes in _processes(work).items()
    }


def machine() -> dict[str, object]:
    """Return what the measurement ran on."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "interpreter_score": round(_interpreter_score(), 2),
    }


def _interpreter_score() -> float:
    """Million additions a second of one interpreter: tells a fast machine from a slow one."""
    began = time.perf_counter()
    total = 0
    for number in range(3_000_000):
        total += number
    return 3.0 / (time.perf_counter() - began)


def _processes(work: Path) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = {"benchmark": [psutil.Process()]}
    for entry in read_directory(work):
        try:
            process = psutil.Process(entry.pid)
            found.setdefault(entry.name, []).extend([process, *process.children(recursive=True)])
        except psutil.NoSuchProcess:
            continue
    return found


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.NoSuchProcess:
        return 0
