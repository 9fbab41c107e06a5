"""Waiting for an ensemble to come to rest: what it still does after a start or an import is not a page's cost."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.machine import usage
from vitrine.page_composer.v1 import page_composer_pb2

LOOK_EVERY_S = 1.5
AT_REST_CORES = 0.12
"""Watches and health checks take about half of this."""
CALM_LOOKS = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 4.0


def patience_s(items: int) -> float:
    """How long processes may take to have a catalogue in memory, on a slow machine that others use too."""
    return 240.0 + items / 2_500.0


async def at_rest(work: Path, at_most_s: float) -> dict[str, Any]:
    """Return when the ensemble's processes have spent next to nothing for a few seconds, or after the time.

    Returns the cores that they took in the last look, and whether that was so much that what follows does not count.
    """
    loop = asyncio.get_running_loop()
    ends_s, calm, cores = loop.time() + at_most_s, 0, 0.0
    before = usage(work)
    while calm < CALM_LOOKS and loop.time() < ends_s:
        await asyncio.sleep(LOOK_EVERY_S)
        now = usage(work)
        spent = now.since(before)
        cores = spent.services_s / spent.seconds
        calm = calm + 1 if cores < AT_REST_CORES else 0
        before = now
    return {"cores_at_rest": round(cores, 3), "restless": calm < CALM_LOOKS}


Compose = Callable[[int], Awaitable[page_composer_pb2.Page]]


async def whole_pages(compose: Compose, release_id: str, at_most_s: float, in_a_row: int = 5) -> None:
    """Return when so many pages in a row are made with a release by everybody. Raises: BenchmarkFailed."""
    loop = asyncio.get_running_loop()
    ends_s, good, number, problem = loop.time() + at_most_s, 0, 0, "none was asked for"
    pause_s = FIRST_PAUSE_S
    while good < in_a_row:
        try:
            problem = _problem(await compose(number), release_id)
        except grpc.aio.AioRpcError as error:
            problem = f"{error.code().name}: {error.details()}"
        number += 1
        good = 0 if problem else good + 1
        if loop.time() > ends_s:
            raise BenchmarkFailed(f"no whole page within {at_most_s:.0f} s ({problem}); see the logs of the processes")
        if problem:
            # Asking takes from those who are reading a million items.
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.3, LONGEST_PAUSE_S)


def _problem(page: page_composer_pb2.Page, release_id: str) -> str:
    if page.degraded:
        return "missing: " + ", ".join(f"{each.dependency} ({each.cause})" for each in page.degraded)
    made_with = page.versions.release_id
    return "" if made_with == release_id else f"made with {made_with or 'no release'}, not {release_id}"
