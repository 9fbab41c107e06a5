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
WARM_UP = 0.5
"""In lengths of the soak, before it begins: caches fill, pools open their connections, allocators find their size. The
soak asks whether a service that has been up for a while goes on growing.
"""


async def soaked(rig: Rig, pages_a_second: float, minutes: float) -> dict[str, Any]:
    """Run the session mix with so many pages a second, to warm up and then for the minutes; what grows is named.

    Raises: what the sampler could not do.
    """
    warm_up_s, rate = WARM_UP * minutes * 60.0, pages_a_second / PAGES_A_SESSION
    seconds = warm_up_s + minutes * 60.0
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
        **sampler.as_dict(warm_up_s),
        **spent.noise(),
    }
