"""Pages of many users: composed one at a time beside the floor, by itself, or as a load client sends them."""

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from lab.benchmark.floor import Floor
from lab.benchmark.machine import usage
from lab.benchmark.open_loop import Send
from lab.evaluation.composing import page_request
from lab.evaluation.statistics import bootstrap, percentiles
from services.kit.call_context import REQUEST_ID_HEADER
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc

TIMEOUT_S = 5.0
WARM_UP_PAGES = 50
WORKS_FOR = {"profile": ("user_profile",), "recommend": ("ranker", "model_server"), "hydrate": ("item_vision",)}
"""Which processes a stage waits for: what they spend is spent for it."""


class Pages:
    """Composes pages of many users, one after the other or at a rate."""

    def __init__(self, channel: grpc.aio.Channel, shop_id: str, users: Sequence[str], work: Path, run_id: str) -> None:
        self._stub = page_composer_pb2_grpc.PageComposerServiceStub(channel)
        self._shop_id = shop_id
        self._users = users
        self._work = work
        self._run_id = run_id
        self._numbers = itertools.count()

    async def compose(self, number: int) -> page_composer_pb2.Page:
        """Compose a new page of the user of a number. Raises: AioRpcError."""
        return (await self.compose_with_request(number))[1]

    async def compose_with_request(
        self, number: int
    ) -> tuple[page_composer_pb2.ComposePageRequest, page_composer_pb2.Page]:
        """The same, and what was asked. Raises: AioRpcError."""
        page_id = f"{self._run_id}-{next(self._numbers)}"
        request = page_request(self._shop_id, self._users[number % len(self._users)], page_id)
        answer = await self._stub.ComposePage(request, timeout=TIMEOUT_S, metadata=((REQUEST_ID_HEADER, page_id),))
        return request, answer.page

    async def beside_the_floor(self, floor: Floor, pages: int) -> dict[str, Any]:
        """One page and one floor in turn, so that both meet the same machine."""
        send = self.send()
        for number in range(WARM_UP_PAGES):
            await send(number)
            await floor.page(number)
        took: list[float] = []
        parts: list[Mapping[str, float]] = []
        stages: dict[str, list[float]] = {}
        before = usage(self._work)
        for number in range(pages):
            page, milliseconds = await self.timed(number)
            took.append(milliseconds)
            for timing in page.timings:
                stages.setdefault(timing.stage, []).append(timing.duration_us / 1_000.0)
            parts.append(await floor.page(number))
        spent = usage(self._work).since(before)
        floors = [each["total"] for each in parts]
        # Medians do not average, so the interval is of log ratios of neighbours, which do.
        ratios = bootstrap(np.log(np.asarray(took) / np.asarray(floors)))
        return {
            "floor_ratio": round(float(np.median(took) / np.median(floors)), 2),
            "floor_ratio_interval": [round(float(np.exp(ratios.low)), 2), round(float(np.exp(ratios.high)), 2)],
            "page_ms": percentiles(took),
            "floor_ms": percentiles(floors),
            "floor_parts_ms": {name: round(float(np.median([each[name] for each in parts])), 2) for name in parts[0]},
            "stage_ms": {stage: round(float(np.median(each)), 2) for stage, each in stages.items()},
            "pairs": pages,
            "floor_noise": spent.noise(),
        }

    async def alone(self, pages: int) -> dict[str, Any]:
        """What a page costs by process and by stage, with one request in flight and nothing beside it.

        A stage's CPU is the composer's own while it ran, and what the processes spent that work for no other stage.
        """
        own: dict[str, list[float]] = {}
        before = usage(self._work)
        for number in range(pages):
            page, _ = await self.timed(number)
            for timing in page.timings:
                own.setdefault(timing.stage, []).append(timing.cpu_us / 1_000.0)
        spent = usage(self._work).since(before)
        by_process = spent.a_piece(pages)
        by_stage = {stage: sum(each) / pages for stage, each in own.items()}
        rest = by_process.get("page_composer", 0.0) - sum(by_stage.values())
        for stage, processes in WORKS_FOR.items():
            by_stage[stage] = by_stage.get(stage, 0.0) + sum(by_process.get(name, 0.0) for name in processes)
        by_stage |= {"database": by_process.get("postgresql", 0.0), "call, tokens, log": max(rest, 0.0)}
        return {
            "alone": {
                "pages": pages,
                "cpu_ms_a_page": by_process,
                "cpu_ms_by_stage": {stage: round(each, 3) for stage, each in by_stage.items()},
                "services_cpu_ms_a_page": round(spent.services_s * 1_000.0 / pages, 2),
                **spent.noise(),
            }
        }

    def send(self) -> Send:
        """Composes the page of a number, for a load client."""

        async def send(number: int) -> bool:
            return bool((await self.compose(number)).degraded)

        return send

    async def timed(self, number: int) -> tuple[page_composer_pb2.Page, float]:
        """Compose a page; the page and how many milliseconds it took."""
        began = time.perf_counter()
        page = await self.compose(number)
        return page, (time.perf_counter() - began) * 1_000.0
