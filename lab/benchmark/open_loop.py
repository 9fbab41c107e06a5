"""An open-loop load client: calls begin when they are due, however late the answers are.

Latency counts from when a call was due, not from when it could be sent, so that a server that stalls cannot hide the
calls that waited (coordinated omission).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import grpc
import numpy as np

from lab.evaluation.statistics import percentiles

MOST_IN_FLIGHT = 1_000
"""Beyond so many unanswered calls the server has lost; further ones count as errors without being sent."""

Send = Callable[[int], Awaitable[bool]]
"""Makes the call of a number; says whether the answer was degraded. Raises: AioRpcError."""


@dataclass
class LoadResult:
    """What became of the calls of one run."""

    rate: float
    """Calls due a second."""
    seconds: float
    latencies_ms: list[float] = field(default_factory=list)
    """Of answered calls."""
    degraded: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Say whether every call was answered in full."""
        return not self.errors and not self.degraded

    def as_dict(self) -> dict[str, object]:
        """Return figures for a report."""
        return {
            "rate": round(self.rate, 2),
            "seconds": self.seconds,
            "answered": len(self.latencies_ms),
            "degraded": self.degraded,
            "errors": dict(self.errors),
            "latency_ms": percentiles(self.latencies_ms) if self.latencies_ms else {},
        }


async def open_loop(send: Send, rate: float, seconds: float, seed: int = 1) -> LoadResult:
    """Make calls at random times (a Poisson process) of `rate` a second, and wait for the last answer."""
    gaps = np.random.default_rng(seed).exponential(1.0 / rate, max(round(rate * seconds), 1))
    due = np.cumsum(gaps).tolist()
    result = LoadResult(rate, seconds)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    tasks: set[asyncio.Task[None]] = set()

    async def one(number: int, due_s: float) -> None:
        try:
            result.degraded += await send(number)
        except grpc.aio.AioRpcError as error:
            result.errors[error.code().name] += 1
        else:
            result.latencies_ms.append((loop.time() - due_s) * 1_000.0)

    for number, offset_s in enumerate(due):
        due_s = began_s + offset_s
        await asyncio.sleep(max(due_s - loop.time(), 0.0))
        if len(tasks) >= MOST_IN_FLIGHT:
            result.errors["NOT_SENT"] += 1
            continue
        task = asyncio.create_task(one(number, due_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return result


async def closed_loop(send: Send, in_flight: int, seconds: float) -> float:
    """Calls a second with so many always in flight: what the server can do at most."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    done = 0

    async def worker(first: int) -> None:
        nonlocal done
        number = first
        while loop.time() < began_s + seconds:
            await send(number)
            number += in_flight
            done += 1

    await asyncio.gather(*(worker(first) for first in range(in_flight)))
    return done / (loop.time() - began_s)
