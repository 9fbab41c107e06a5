"""Measures pages: one at a time beside the floor, and many under load."""

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from lab.benchmark.floor import Floor
from lab.benchmark.machine import usage
from lab.benchmark.open_loop import Send, closed_loop, open_loop
from lab.evaluation.composing import page_request
from lab.evaluation.statistics import bootstrap, percentiles
from services.kit.call_context import REQUEST_ID_HEADER
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc

TIMEOUT_S = 5.0
WARM_UP_PAGES = 50
CLOSED_LOOP_SECONDS = 10.0
LOAD_SECONDS = 15.0
HIGHEST_SECONDS = 60.0
LOADS = (0.25, 0.5, 0.75)
"""Of what a closed loop reaches."""
HIGHEST_TRIED = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
IN_FLIGHT = 8


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
        send = self._send()
        for number in range(WARM_UP_PAGES):
            await send(number)
            await floor.page(number)
        took: list[float] = []
        parts: list[Mapping[str, float]] = []
        stages: dict[str, list[float]] = {}
        for number in range(pages):
            page, milliseconds = await self._timed(number)
            took.append(milliseconds)
            for timing in page.timings:
                stages.setdefault(timing.stage, []).append(timing.duration_us / 1_000.0)
            parts.append(await floor.page(number))
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
        }

    async def under_load(self, quick: bool) -> dict[str, Any]:
        """Latency at several loads; the highest load is what is sustained without an error or a degraded page."""
        scale = 0.2 if quick else 1.0
        most = await closed_loop(self._send(), IN_FLIGHT, CLOSED_LOOP_SECONDS * scale)
        loads = [await self._at(most * share, LOAD_SECONDS * scale) for share in LOADS]
        highest: dict[str, Any] | None = None
        for share in HIGHEST_TRIED:
            tried = await self._at(most * share, HIGHEST_SECONDS * scale)
            loads.append(tried)
            if not tried["errors"] and not tried["degraded"]:
                highest = tried
                break
        return {"closed_loop_pages_a_second": round(most, 1), "loads": loads, "highest": highest}

    async def _at(self, rate: float, seconds: float) -> dict[str, Any]:
        before = usage(self._work)
        result = await open_loop(self._send(), rate, seconds)
        spent = usage(self._work).since(before)
        return {**result.as_dict(), **spent.as_dict(max(len(result.latencies_ms), 1))}

    def _send(self) -> Send:
        async def send(number: int) -> bool:
            return bool((await self.compose(number)).degraded)

        return send

    async def _timed(self, number: int) -> tuple[page_composer_pb2.Page, float]:
        began = time.perf_counter()
        page = await self.compose(number)
        return page, (time.perf_counter() - began) * 1_000.0
