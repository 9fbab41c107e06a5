"""The benchmark from beginning to end, over one work folder's shop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.benchmark.events import events_a_second
from lab.benchmark.floor import Floor, FloorTask
from lab.benchmark.machine import machine, memory_mib
from lab.benchmark.messages import CALLS, COMPOSE, RecordedPage
from lab.benchmark.pages import Pages
from lab.benchmark.recording import Recorder
from lab.evaluation.deeds import deeds_by_user
from lab.evaluation.pages import read_facts
from lab.supervisor.ensemble import Ensemble
from services.kit.channels import open_channel
from services.kit.release import ReleaseDirectory, version_of

RECORDED_PAGES = 40
PAIRS = 300
EVENT_SECONDS = 20.0
RECORDED_SERVICES = ("user_profile", "item_vision", "ranker", "model_server")
INNER_PATHS = [call.path for call in CALLS if call is not COMPOSE]

Show = Callable[[str, int, int], None]


class BenchmarkFailed(Exception):  # noqa: N818  named like the errors of kit
    """The benchmark cannot be believed; the message says why."""


@dataclass(frozen=True)
class BenchmarkTask:
    """What is measured."""

    work: Path
    shop_id: str
    quick: bool
    """A tenth of the time, to see that everything runs; its figures are not to be quoted."""


class Benchmark:
    """One run. PostgreSQL and services are started and stopped by it."""

    def __init__(self, task: BenchmarkTask, show: Show) -> None:
        self._task = task
        self._show = show
        self._run_id = f"bench-{time.time_ns() // 1_000_000}"
        self._users = sorted(deeds_by_user(task.work / task.shop_id / "events.jsonl.gz"))

    async def run(self) -> dict[str, Any]:
        """Record a few pages, then measure. Raises: BenchmarkFailed; ProcessFailed."""
        task = self._task
        recorded = await self._recorded()
        ensemble = Ensemble(task.work)
        try:
            self._show("services", 0, 1)
            await asyncio.to_thread(ensemble.start)
            self._show("services", 1, 1)
            found = await self._measured(ensemble, recorded)
        finally:
            await asyncio.to_thread(ensemble.stop)
        return {
            "simulated": True,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": task.quick,
            "machine": machine(),
            "catalogues": {str(found.pop("items")): found},
        }

    async def _recorded(self) -> list[RecordedPage]:
        """Compose pages with proxies between the services."""
        async with Recorder(RECORDED_SERVICES, INNER_PATHS) as recorder:
            away = {f"VITRINE_{name.upper()}_ADDRESSES": address for name, address in recorder.addresses.items()}
            ensemble = Ensemble(self._task.work, environment=away)
            for service in RECORDED_SERVICES:
                recorder.forward_to(service, ensemble.address(service)[0])
            try:
                await asyncio.to_thread(ensemble.start)
                asked = await self._compose_recorded(ensemble)
            finally:
                await asyncio.to_thread(ensemble.stop)
            complete = recorder.complete(INNER_PATHS)
        pages: list[RecordedPage] = [
            {**complete[page_id], COMPOSE.path: pair} for page_id, pair in asked.items() if page_id in complete
        ]
        if len(pages) < RECORDED_PAGES // 2:
            raise BenchmarkFailed(f"only {len(pages)} of {len(asked)} pages were made by all services; see the logs")
        return pages

    async def _compose_recorded(self, ensemble: Ensemble) -> dict[str, tuple[bytes, bytes]]:
        channel = open_channel(ensemble.address("page_composer"), "vitrine.page_composer.v1")
        pages = Pages(channel, self._task.shop_id, self._users, self._task.work, f"{self._run_id}-r")
        found: dict[str, tuple[bytes, bytes]] = {}
        try:
            for number in range(RECORDED_PAGES):
                self._show("messages recorded", number + 1, RECORDED_PAGES)
                request, page = await pages.compose_with_request(number)
                answer = COMPOSE.response(page=page)
                found[page.page_id] = (request.SerializeToString(), answer.SerializeToString())
        finally:
            await channel.close()
        return found

    async def _measured(self, ensemble: Ensemble, recorded: Sequence[RecordedPage]) -> dict[str, Any]:
        task, scale = self._task, 0.1 if self._task.quick else 1.0
        facts = await asyncio.to_thread(read_facts, ensemble.address("item_vision"), task.shop_id)
        channel = open_channel(ensemble.address("page_composer"), "vitrine.page_composer.v1")
        profiles = open_channel(ensemble.address("user_profile"), "vitrine.user_profile.v1")
        pages = Pages(channel, task.shop_id, self._users, task.work, self._run_id)
        floor_task = FloorTask(recorded, task.work, self._model(), ensemble.dsn, task.shop_id, item_count=len(facts))
        try:
            self._show("beside the floor", 0, 1)
            async with Floor(floor_task) as floor:
                beside = await pages.beside_the_floor(floor, round(PAIRS * scale))
            self._show("beside the floor", 1, 1)
            self._show("under load", 0, 1)
            load = await pages.under_load(task.quick)
            self._show("under load", 1, 1)
            self._show("events", 0, 1)
            events = await events_a_second(profiles, self._users, sorted(facts), EVENT_SECONDS * scale)
            self._show("events", 1, 1)
        finally:
            await channel.close()
            await profiles.close()
        memory = memory_mib(task.work)
        return {"items": len(facts), "users": len(self._users), **beside, **load, **events, "memory_mib": memory}

    def _model(self) -> Path:
        directory = ReleaseDirectory(self._task.work / "releases", self._task.shop_id)
        stable = directory.labels().stable
        if not stable:
            raise BenchmarkFailed(f"shop {self._task.shop_id} has no release in force; run make demo first")
        return directory.path / stable / "fusion" / str(version_of(stable))
