"""What the machine and the processes of an ensemble spend: CPU by process, memory, and what others took meanwhile."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.supervisor.directory import read_directory

BENCHMARK = "benchmark"
"""Name of this process among those of the ensemble, with what it started beside them."""
DISTURBED_ABOVE = 0.25
"""Load of others, in cores, from which on a run is marked: more than a quiet machine's own services take."""


@dataclass(frozen=True)
class Usage:
    """Counters at one moment."""

    at_s: float
    cpu_s: Mapping[str, float]
    """By process name, replicas and children together; BENCHMARK is this process."""
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

    @property
    def other_load(self) -> float:
        """The load that others made; 1.0 is one core."""
        return self.others_s / self.seconds if self.seconds > 0.0 else 0.0

    @property
    def services_s(self) -> float:
        """CPU seconds of the ensemble, PostgreSQL included, without the load client."""
        return sum(spent for name, spent in self.cpu_s.items() if name != BENCHMARK)

    def as_dict(self, pages: int) -> dict[str, object]:
        """Return CPU milliseconds a page by process, and the load that others made (1.0: one core)."""
        return {"cpu_ms_a_page": self.a_piece(pages), **self.noise()}

    def a_piece(self, pieces: int) -> dict[str, float]:
        """Return CPU milliseconds by process for each of so many pages, or whatever was done."""
        return {name: round(spent * 1_000.0 / pieces, 3) for name, spent in sorted(self.cpu_s.items())}

    def noise(self) -> dict[str, object]:
        """Return the load of others, and whether it was so high that the run does not count."""
        return {"other_load": round(self.other_load, 3), "disturbed": self.other_load > DISTURBED_ABOVE}


def usage(work: Path) -> Usage:
    """Read the counters now."""
    cpu: dict[str, float] = {}
    for name, processes in processes_of(work).items():
        cpu[name] = sum(_cpu_s(process) for process in processes)
    times = psutil.cpu_times()
    machine_s = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    return Usage(time.monotonic(), cpu, machine_s)


def memory_mib(work: Path) -> dict[str, float]:
    """Memory by process name: unique pages, so that what processes share is not counted twice."""
    return _mib(work, "uss")


def shared_out_memory_mib(work: Path) -> dict[str, float]:
    """Memory by process name in which each shared page counts once, shared out over those that map it.

    The sum over all processes is what the ensemble holds: PostgreSQL's shared buffers are in it, the kernel's page
    cache is not. This process is left out.
    """
    found = _mib(work, "pss")
    return {name: held for name, held in found.items() if name != BENCHMARK}


def _mib(work: Path, kind: str) -> dict[str, float]:
    return {
        name: round(sum(_memory(process, kind) for process in processes) / 2**20, 1)
        for name, processes in processes_of(work).items()
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


def processes_of(work: Path) -> dict[str, list[psutil.Process]]:
    """The ensemble's processes by name with their children, and this one with its own."""
    found: dict[str, list[psutil.Process]] = {}
    for entry in read_directory(work):
        try:
            process = psutil.Process(entry.pid)
            found.setdefault(entry.name, []).extend([process, *process.children(recursive=True)])
        except psutil.NoSuchProcess:
            continue
    known = {process.pid for processes in found.values() for process in processes}
    ours = psutil.Process()
    others = [child for child in ours.children(recursive=True) if child.pid not in known]
    return {**found, BENCHMARK: [ours, *others]}


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process, kind: str) -> int:
    try:
        return int(getattr(process.memory_full_info(), kind))
    except psutil.NoSuchProcess:
        return 0
