"""One bounded executor a process for work that keeps the CPU busy over 5 ms."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from services.kit.errors import Overloaded
from services.kit.telemetry import metrics

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class BoundedExecutor:
    """A thread pool with a limited queue: what does not fit is refused at once as OVERLOADED, not queued for
    ever.
    """

    def __init__(self, name: str, *, threads: int = 1, queue_limit: int = 64) -> None:
        self._name = name
        self._limit = threads + queue_limit
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._taken = 0
        self._gauge = (
            metrics()
            .gauge("vitrine_executor_jobs", "Jobs running or waiting in an executor.", ["executor"])
            .labels(name)
        )

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run `work` in a thread, with the caller's context variables. A cancelled caller's job ends by
        itself.

        Raises: Overloaded when the queue is full.
        """
        if self._taken >= self._limit:
            raise Overloaded(f"{self._name} has {self._taken} jobs waiting; try again later")
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        job = self._pool.submit(context.run, partial(work, *args, **kwargs))
        self._count(+1)
        # The loop is woken once a job: that costs as much as a short job.
        job.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(self._end, ended))
        try:
            await ended
        except asyncio.CancelledError:
            job.cancel()  # where it has not begun
            raise
        return _result_of(job)

    def close(self) -> None:
        """Refuse new jobs and forget those that have not begun; running ones end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _end(self, ended: asyncio.Future[None]) -> None:
        self._count(-1)
        if not ended.done():
            ended.set_result(None)

    def _count(self, change: int) -> None:
        self._taken += change
        self._gauge.set(self._taken)


def _result_of(job: Future[Result]) -> Result:
    """What an ended job returned or raised. A job that was forgotten ends its caller too."""
    if job.cancelled():
        raise asyncio.CancelledError
    return job.result()
