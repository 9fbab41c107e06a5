"""An open-loop load client: calls begin when they are due, however late the answers are.

Latency counts from when a call was due, not from when it could be sent, so that a server that stalls cannot hide the
calls that waited (coordinated omission).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import grpc
import numpy as np

from lab.evaluation.statistics import percentiles

MOST_IN_FLIGHT = 1_000
"""Beyond so many unanswered calls the server has lost; further ones count as errors without being sent."""
LEAST_BEHIND_S, MOST_BEHIND_S = 0.3, 1.0

Send = Callable[[int], Awaitable[bool]]
"""Makes the call of a number; says whether the answer was degraded. Raises: AioRpcError."""
SendDue = Callable[[int, float], Awaitable[bool]]
"""The same, told when the call was due by the loop's clock."""


@dataclass
class LoadResult:
    """What became of the calls of one run."""

    rate: float
    """Calls due a second."""
    seconds: float
    latencies_ms: list[float] = field(default_factory=list)
    """Of answered calls, in order of their answers."""
    due_s: list[float] = field(default_factory=list)
    """When each of them was due, counted from the beginning."""
    lasted_s: float = 0.0
    """From the beginning to the last answer, and at least `seconds`: what rates are counted over."""
    drain_s: float = 0.0
    """From when the last call was due to the last answer: what the server was behind at the end."""
    degraded: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """By status code, or by the name of an exception that is none of gRPC's."""

    @property
    def clean(self) -> bool:
        """Say whether every call was answered in full."""
        return not self.errors and not self.degraded

    @property
    def sustained(self) -> bool:
        """Say whether it was clean and the server kept up: a queue that only grows has no error yet."""
        return self.clean and self.drain_s <= most_behind_s(self.seconds)

    def latencies_between(self, from_s: float, before_s: float) -> list[float]:
        """The latencies of the calls that were due in a stretch of the run."""
        return [took for took, due in zip(self.latencies_ms, self.due_s, strict=True) if from_s <= due < before_s]

    def as_dict(self) -> dict[str, object]:
        """Return figures for a report."""
        return {
            "rate": round(self.rate, 2),
            "seconds": round(self.seconds, 1),
            "drain_s": round(self.drain_s, 2),
            "answered": len(self.latencies_ms),
            "degraded": self.degraded,
            "errors": dict(self.errors),
            "latency_ms": percentiles(self.latencies_ms) if self.latencies_ms else {},
        }


def most_behind_s(seconds: float) -> float:
    """How far a server may be behind when the last call of a run is due and still keep up with the load.

    A twentieth of the run, so that a short one finds what a long one then confirms; at least what a page takes.
    """
    return min(max(seconds / 20.0, LEAST_BEHIND_S), MOST_BEHIND_S)


async def open_loop(
    send: SendDue, rate: float, seconds: float, seed: int = 1, until: asyncio.Event | None = None
) -> LoadResult:
    """Make calls at random times (a Poisson process) of `rate` a second, and wait for the last answer.

    With `until` no call is made after it is set; `seconds` is then the longest time.
    """
    result = LoadResult(rate, seconds)
    loop = asyncio.get_running_loop()
    began_s = last_s = loop.time()
    tasks: set[asyncio.Task[None]] = set()

    async def one(number: int, due_s: float) -> None:
        try:
            result.degraded += await send(number, due_s)
        except grpc.aio.AioRpcError as error:
            result.errors[error.code().name] += 1
        except Exception as error:
            result.errors[type(error).__name__] += 1
        else:
            result.latencies_ms.append((loop.time() - due_s) * 1_000.0)
            result.due_s.append(due_s - began_s)

    for number, offset_s in enumerate(_due(rate, seconds, seed)):
        last_s = began_s + offset_s
        await asyncio.sleep(max(last_s - loop.time(), 0.0))
        if until is not None and until.is_set():
            result.seconds = loop.time() - began_s
            break
        if len(tasks) >= MOST_IN_FLIGHT:
            result.errors["NOT_SENT"] += 1
            continue
        task = asyncio.create_task(one(number, last_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    result.drain_s = max(loop.time() - last_s, 0.0)
    result.lasted_s = max(loop.time() - began_s, result.seconds)
    return result


def _due(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Moments of a Poisson process in `seconds`; a run without a single call says nothing, so there is at least one."""
    random = np.random.default_rng(seed)
    due_s = float(random.exponential(1.0 / rate))
    yield due_s if due_s < seconds else seconds / 2.0
    while (due_s := due_s + float(random.exponential(1.0 / rate))) < seconds:
        yield due_s


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
