"""The benchmark from beginning to end: size by size, part by part."""

import time
import traceback
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.benchmark.events import events_a_second
from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.floor import Floor, FloorTask
from lab.benchmark.growth import PAGES, QUICK_PAGES, QUICK_USERS, USERS, grown
from lab.benchmark.loading import LoadPlan, half_load, under_load
from lab.benchmark.machine import machine, memory_mib
from lab.benchmark.messages import RecordedPage
from lab.benchmark.rig import Rig
from lab.benchmark.sessions import browse
from lab.benchmark.settling import at_rest
from lab.benchmark.showing import Show
from lab.benchmark.sizes import REST_S, Size, running
from lab.benchmark.soak import soaked
from lab.benchmark.swap import SwapPlan, swapped

PARTS = ("floor", "load", "sessions", "swap", "events", "users", "soak")
BY_SIZE = ("floor", "load", "sessions", "swap")
"""Parts that are made at every size; the others only at HOME_SIZE, or at the smallest there is."""
SIZES = (2_000, 20_000, 100_000, 1_000_000)
HOME_SIZE = 20_000
PAIRS, ALONE_PAGES = 300, 100
SESSION_SECONDS, EVENT_SECONDS = 30.0, 20.0
SOAK_MINUTES, QUICK_MINUTES = 10.0, 0.4


@dataclass(frozen=True)
class BenchmarkTask:
    """What is measured."""

    work: Path
    """The demo's work folder; ensembles of synthetic shops get folders in it."""
    shop_id: str
    """The demo's shop."""
    sizes: Sequence[int] = SIZES
    parts: Collection[str] = PARTS
    quick: bool = False
    """A tenth of the time and fewer users, to see that everything runs; its figures are not to be quoted."""
    minutes: float = SOAK_MINUTES
    """Of the soak."""
    synthetic_from: int = SIZES[0] + 1
    """Sizes from here on are synthetic."""

    @property
    def home_size(self) -> int:
        """Where the parts are made that are made once."""
        return HOME_SIZE if HOME_SIZE in self.sizes else min(self.sizes)

    def parts_of(self, items: int) -> list[str]:
        """The parts that are made at a size, in order; the soak comes before users are added by the million."""
        once = ("events", "soak", "users") if items == self.home_size else ()
        wanted = [part for part in (*BY_SIZE, *once) if part in self.parts]
        return [part for part in wanted if part != "users" or items >= self.synthetic_from]


class Benchmark:
    """One run. PostgreSQL and services are started and stopped by it."""

    def __init__(self, task: BenchmarkTask, show: Show) -> None:
        self._task = task
        self._show = show
        self._run_id = f"bench-{time.time_ns() // 1_000_000}"
        self._seconds: dict[str, float] = {}
        self.result: dict[str, Any] = {
            "simulated": True,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": task.quick,
            "quotable": not task.quick,
            "machine": {},
            "seconds": self._seconds,
            "failed": {},
            "catalogues": {},
        }
        """What was measured so far: a part that fails takes nothing of it away."""

    async def run(self) -> dict[str, Any]:
        """Measure size by size; what fails does not keep the rest from being measured.

        Raises: BenchmarkFailed at the end, naming what failed.
        """
        self.result["machine"] = machine()
        for items in sorted(self._task.sizes):
            parts = self._task.parts_of(items)
            if parts:
                with self._survived(f"{items} start"):
                    await self._measure(items, parts)
        self.result["disturbed"] = sorted(marked(self.result, "disturbed"))
        self.result["restless"] = sorted(marked(self.result, "restless"))
        if failed := self.result["failed"]:
            raise BenchmarkFailed("; ".join(f"{what}: {why}" for what, why in failed.items()))
        return self.result

    async def _measure(self, items: int, parts: Sequence[str]) -> None:
        size = Size(items, self._task.work, self._task.shop_id, self._task.synthetic_from)
        began_s = time.monotonic()
        async with running(size, self._show, self._run_id, record="floor" in parts) as (rig, recorded):
            found: dict[str, Any] = {"items": rig.shop.item_count, "users": len(rig.shop.users)}
            found["start"] = await at_rest(rig.work, REST_S)
            self.result["catalogues"][str(items)] = found
            self._took(items, "start", began_s)
            for part in parts:
                async with self._part(items, part):
                    await self._make(part, rig, recorded, found)

    async def _make(self, part: str, rig: Rig, recorded: Sequence[RecordedPage], found: dict[str, Any]) -> None:
        quick, result = self._task.quick, self.result
        plan = LoadPlan.quick() if quick else LoadPlan()
        scale = 0.1 if quick else 1.0
        if part == "floor":
            found |= await self._beside_the_floor(rig, recorded, scale)
            found["memory_mib"] = memory_mib(rig.work)
        elif part == "load":
            found |= await under_load(rig, plan)
            found["memory_mib"] = memory_mib(rig.work)
        elif part == "sessions":
            half = await half_load(rig, found, plan)
            found["sessions"] = await browse(rig, half, SESSION_SECONDS * scale)
        elif part == "swap":
            half = await half_load(rig, found, plan)
            found["swap"] = await swapped(rig, half, SwapPlan.quick() if quick else SwapPlan())
        elif part == "events":
            result["events"] = {"items": rig.shop.item_count, **await events_a_second(rig, EVENT_SECONDS * scale)}
        elif part == "soak":
            half = await half_load(rig, found, plan)
            resting = await at_rest(rig.work, REST_S)  # what earlier parts left behind is no leak
            minutes = min(self._task.minutes, QUICK_MINUTES) if quick else self._task.minutes
            result["soak"] = {**await soaked(rig, half, minutes), **resting}
        else:
            counts, pages = (QUICK_USERS, QUICK_PAGES) if quick else (USERS, PAGES)
            result["users"] = await grown(rig, counts, pages, self._show)

    async def _beside_the_floor(self, rig: Rig, recorded: Sequence[RecordedPage], scale: float) -> dict[str, Any]:
        task = FloorTask(
            recorded, rig.work, rig.model, rig.ensemble.dsn, rig.shop.shop_id, item_count=rig.shop.item_count
        )
        pages = rig.pages("floor")
        async with Floor(task) as floor:
            beside = await pages.beside_the_floor(floor, round(PAIRS * scale))
        return {**beside, **await pages.alone(round(ALONE_PAGES * scale))}

    @asynccontextmanager
    async def _part(self, items: int, part: str) -> AsyncIterator[None]:
        began_s = time.monotonic()
        self._show(f"{items:,} items: {part}", 0, 1)
        with self._survived(f"{items} {part}"):
            yield
        self._show(f"{items:,} items: {part}", 1, 1)
        self._took(items, part, began_s)

    @contextmanager
    def _survived(self, what: str) -> Iterator[None]:
        """Note an error instead of raising it: an hour of figures must not be lost with the last one."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.result["failed"][what] = str(error) or repr(error)

    def _took(self, items: int, part: str, began_s: float) -> None:
        self._seconds[f"{items} {part}"] = round(time.monotonic() - began_s, 1)


def marked(found: Any, mark: str, path: str = "") -> list[str]:
    """The paths of all runs in a report with a mark: `disturbed` when others took too much of the machine, `restless`
    when the ensemble had not come to rest before.
    """
    if isinstance(found, list):
        return [each for place, part in enumerate(found) for each in marked(part, mark, f"{path}[{place}]")]
    if not isinstance(found, dict):
        return []
    here = [path] if found.get(mark) is True else []
    parts = [marked(part, mark, f"{path}.{name}" if path else name) for name, part in found.items()]
    return here + [each for part in parts for each in part]
