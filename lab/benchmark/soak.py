"""A soak: pages and recorded events at half load for minutes, while everything that could leak is watched."""

import asyncio
from typing import Any

from lab.benchmark.machine import usage
from lab.benchmark.open_loop import open_loop
from lab.benchmark.rig import Rig
from lab.benchmark.sampling import Sampler
from lab.benchmark.sessions import PAGES_A_SESSION, visiting

SAMPLES = 60
LEAST_BETWEEN_S = 1.0
WARM_UP_SHARE = 0.25
"""Of the time: caches fill, allocators find their size. Slopes count from there on."""


async def soaked(rig: Rig, pages_a_second: float, minutes: float) -> dict[str, Any]:
    """Run the session mix with so many pages a second; what grows is named. Raises: what the sampler could not do."""
    seconds, rate = minutes * 60.0, pages_a_second / PAGES_A_SESSION
    sampler = Sampler(rig.work, rig.ensemble.dsn, max(seconds / SAMPLES, LEAST_BETWEEN_S))
    async with visiting(rig, round(rate * seconds)) as sessions:
        before = usage(rig.work)
        sampling = asyncio.create_task(sampler.take())
        try:
            result = await open_loop(sessions.session, rate, seconds)
        finally:
            sampling.cancel()
            (ended,) = await asyncio.gather(sampling, return_exceptions=True)
        if not sampling.cancelled():
            raise RuntimeError("the sampler ended before the soak") from ended
        spent = usage(rig.work).since(before)
    return {
        "minutes": minutes,
        "items": rig.shop.item_count,
        **sessions.counts.as_dict(result),
        **sampler.as_dict(seconds * WARM_UP_SHARE),
        **spent.noise(),
    }
