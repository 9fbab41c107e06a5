"""Pages under load: latency at several loads, the highest load, and half of it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lab.benchmark.bisection import Search, highest_load
from lab.benchmark.machine import Spent, usage
from lab.benchmark.open_loop import LoadResult, closed_loop, open_loop
from lab.benchmark.pages import Pages
from lab.benchmark.rig import Rig

IN_FLIGHT = 8
TIMELINE_POINTS = 400


@dataclass(frozen=True)
class LoadPlan:
    """How long everything runs."""

    closed_seconds: float = 8.0
    seconds: float = 12.0
    """At each of the loads."""
    half_seconds: float = 30.0
    """At half the highest."""
    loads: tuple[float, ...] = (0.25, 0.75)
    """Of the highest, beside it and its half."""
    search: Search = field(default_factory=Search)

    @classmethod
    def quick(cls) -> "LoadPlan":
        """Long enough to see that it works."""
        search = Search(short_seconds=2.0, confirm_seconds=4.0, steps=2)
        return cls(closed_seconds=2.0, seconds=2.0, half_seconds=4.0, search=search)


@dataclass(frozen=True)
class Run:
    """One load with what it cost."""

    result: LoadResult
    spent: Spent

    @property
    def sustained(self) -> bool:
        """Whether every page was whole and in time."""
        return self.result.sustained

    def as_dict(self) -> dict[str, Any]:
        """Return figures for a report."""
        answered = max(len(self.result.latencies_ms), 1)
        return {
            **self.result.as_dict(),
            "pages_a_second": round(answered / max(self.result.lasted_s, 1e-9), 2),
            **self.spent.as_dict(answered),
        }


async def under_load(rig: Rig, plan: LoadPlan) -> dict[str, Any]:
    """Find the highest load, then measure at parts of it; the highest is sustained without a fault for its time."""
    pages = rig.pages("load")
    most = await closed_loop(pages.send(), IN_FLIGHT, plan.closed_seconds)
    run, search = runner(rig, pages), runner(rig, pages, to_the_first_fault=True)
    found = await highest_load(search, most, plan.search)
    tried = [each.as_dict() for each in [*found.short, *found.confirmations]]
    reference = found.rate or most * plan.search.lowest
    loads = [(await run(reference * share, plan.seconds)).as_dict() for share in plan.loads]
    half = (await run(reference / 2.0, plan.half_seconds)).as_dict()
    return {
        "closed_loop_pages_a_second": round(most, 1),
        "searched": tried,
        "loads": sorted([*loads, half, *([found.confirmed.as_dict()] if found.confirmed else [])], key=_rate),
        "half": half,
        "highest": found.confirmed.as_dict() if found.confirmed else None,
    }


def runner(rig: Rig, pages: Pages, *, to_the_first_fault: bool = False) -> Callable[[float, float], Awaitable[Run]]:
    """Runs of an open loop at a rate for a while, with the CPU they cost."""
    seeds = itertools.count(1)

    async def run(rate: float, seconds: float) -> Run:
        fault = asyncio.Event()

        async def send(number: int, _due_s: float) -> bool:
            try:
                page = await pages.compose(number)
            except Exception:
                fault.set()
                raise
            if page.degraded:
                fault.set()
            return bool(page.degraded)

        before = usage(rig.work)
        result = await open_loop(send, rate, seconds, next(seeds), fault if to_the_first_fault else None)
        return Run(result, usage(rig.work).since(before))

    return run


async def half_load(rig: Rig, known: dict[str, Any], plan: LoadPlan) -> float:
    """Pages a second at half the highest load: as measured before, else a guess from a short closed loop."""
    if known.get("highest"):
        return float(known["highest"]["rate"]) / 2.0
    most = await closed_loop(rig.pages("guess").send(), IN_FLIGHT, plan.closed_seconds)
    return most * 0.4


def timeline(result: LoadResult) -> list[list[float]]:
    """Pairs of (seconds into the run, latency in ms), thinned evenly for a plot."""
    pairs = sorted(zip(result.due_s, result.latencies_ms, strict=True))
    step = max(len(pairs) // TIMELINE_POINTS, 1)
    return [[round(due, 2), round(took, 1)] for due, took in pairs[::step]]


def _rate(load: dict[str, Any]) -> float:
    return float(load["rate"])
