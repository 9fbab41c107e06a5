"""Work beside the calls: tracked tasks that are drained at the end, and a bounded queue that is written in
batches.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.kit.telemetry import metrics

LOG = logging.getLogger(__name__)

Item = TypeVar("Item")


class BackgroundTasks:
    """Every task that is not awaited by a call. A task that fails is logged and counted, never lost."""

    def __init__(self) -> None:
        self._loops: set[asyncio.Task[Any]] = set()
        self._jobs: set[asyncio.Task[Any]] = set()
        self._failures = metrics().counter(
            "vitrine_background_failures", "Background tasks that ended by an error.", ["task"]
        )

    def spawn(self, name: str, work: Coroutine[Any, Any, Any], *, finish: bool = False) -> asyncio.Task[Any]:
        """Start a task. `name` is a metric label: a kind of work, not an id.

        A task is taken for a loop, which is cancelled when the process drains; with `finish` it is given time to end.
        """
        self._failures.labels(name)  # a counter that begins at nought shows its first step to alerts
        task = asyncio.create_task(work, name=name)
        (self._jobs if finish else self._loops).add(task)
        task.add_done_callback(self._finished)
        return task

    async def drain(self, timeout_s: float) -> None:
        """Cancel the loops, let the others finish within the time, then cancel what is left and wait for its end."""
        await _cancelled(self._loops)
        if self._jobs:
            await asyncio.wait(set(self._jobs), timeout=timeout_s)
        await _cancelled(self._jobs)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._loops.discard(task)
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failures.labels(task.get_name()).inc()
            LOG.error("background task failed", exc_info=error, extra={"fields": {"task": task.get_name()}})


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    ending = set(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


@dataclass(frozen=True)
class BatchSettings:
    """How a BatchWriter gathers."""

    max_items: int = 200
    """A batch is written as soon as it has this many items."""
    max_wait_ms: float = 200.0
    """An item waits at most this long for company."""
    queue_limit: int = 5_000
    """Items waiting beyond this are dropped and counted."""


class BatchWriter(Generic[Item]):
    """A bounded queue in front of an async `write(batch)`; `put` never waits.

    Use as an async context: leaving it writes what is waiting. A failed batch is logged, counted and given
    up: what must not be lost does not belong here.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], Awaitable[None]],
        settings: BatchSettings | None = None,
    ) -> None:
        self._name = name
        self._write = write
        self._settings = settings or BatchSettings()
        self._queue: asyncio.Queue[Item] = asyncio.Queue(self._settings.queue_limit)
        self._task: asyncio.Task[None] | None = None
        items = metrics().counter("vitrine_batch_items", "Items of batch writers, by outcome.", ["writer", "outcome"])
        self._written, self._dropped, self._failed = (
            items.labels(name, outcome) for outcome in ("written", "dropped", "failed")
        )

    def put(self, item: Item) -> bool:
        """Queue an item; False when the queue is full and the item was dropped."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._dropped.inc()
            return False
        return True

    async def __aenter__(self) -> "BatchWriter[Item]":
        self._task = asyncio.create_task(self._run(), name=f"batch writer {self._name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while batch := self._waiting(self._settings.max_items):
            await self._flush(batch)

    async def _run(self) -> None:
        while True:
            batch = await self._gather()
            # Shielded: leaving the context must not cut a batch that is being written.
            writing = asyncio.ensure_future(self._flush(batch))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                raise

    async def _gather(self) -> list[Item]:
        batch = [await self._queue.get()]
        try:
            async with asyncio.timeout(self._settings.max_wait_ms / 1000.0):
                while len(batch) < self._settings.max_items:
                    batch.append(await self._queue.get())
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            await self._flush(batch)
            raise
        return batch

    def _waiting(self, limit: int) -> list[Item]:
        return [self._queue.get_nowait() for _ in range(min(limit, self._queue.qsize()))]

    async def _flush(self, batch: Sequence[Item]) -> None:
        try:
            await self._write(batch)
        except Exception:
            self._failed.inc(len(batch))
            LOG.exception("a batch was given up", extra={"fields": {"writer": self._name, "items": len(batch)}})
        else:
            self._written.inc(len(batch))
