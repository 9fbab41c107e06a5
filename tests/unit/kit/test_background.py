"""Work beside the calls is tracked, batched, bounded and drained."""

import asyncio
import threading

import pytest

from services.kit.background import BackgroundTasks, BatchSettings, BatchWriter
from services.kit.call_context import CallContext, TraceParent, current_call, enter_call
from services.kit.errors import Overloaded
from services.kit.executor import BoundedExecutor
from services.kit.telemetry import metrics


def batch_count(writer: str, outcome: str) -> float:
    labels = {"writer": writer, "outcome": outcome}
    return metrics().registry.get_sample_value("vitrine_batch_items_total", labels) or 0.0


class Sink:
    """Collects batches; can be held back."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()

    async def write(self, batch) -> None:
        self.entered.set()
        await self.open.wait()
        self.batches.append(list(batch))

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item in batch]


async def test_a_full_batch_is_written_at_once_and_order_is_kept():
    sink = Sink()
    async with BatchWriter("full", sink.write, BatchSettings(max_items=3, max_wait_ms=3_600_000)) as writer:
        for item in range(6):
            writer.put(item)
        for _ in range(20):
            await asyncio.sleep(0)
        assert sink.batches == [[0, 1, 2], [3, 4, 5]]


async def test_an_item_alone_is_written_after_the_wait():
    sink = Sink()
    async with BatchWriter("alone", sink.write, BatchSettings(max_items=100, max_wait_ms=1.0)) as writer:
        writer.put(7)
        await asyncio.wait_for(sink.entered.wait(), 5.0)
    assert sink.items == [7]


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_leaving_writes_everything_that_is_waiting(turns):
    sink = Sink()
    async with BatchWriter("leaving", sink.write, BatchSettings(max_items=4, max_wait_ms=3_600_000)) as writer:
        for item in range(10):
            writer.put(item)
        for _ in range(turns):
            await asyncio.sleep(0)
    assert sink.items == list(range(10))


async def test_leaving_does_not_cut_a_batch_that_is_being_written():
    sink = Sink()
    sink.open.clear()

    async def leave_while_writing() -> None:
        async with BatchWriter("cut", sink.write, BatchSettings(max_items=2, max_wait_ms=1.0)) as writer:
            for item in range(5):
                writer.put(item)
            await sink.entered.wait()

    leaving = asyncio.create_task(leave_while_writing())
    await sink.entered.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not leaving.done()
    sink.open.set()
    await leaving
    assert sink.items == list(range(5))


async def test_a_full_queue_drops_and_counts_and_never_waits():
    sink = Sink()
    sink.open.clear()
    before = batch_count("dropping", "dropped")
    settings = BatchSettings(max_items=1, max_wait_ms=1.0, queue_limit=2)
    async with BatchWriter("dropping", sink.write, settings) as writer:
        writer.put(0)
        await sink.entered.wait()
        assert [writer.put(item) for item in (1, 2, 3, 4)] == [True, True, False, False]
        sink.open.set()
    assert sink.items == [0, 1, 2]
    assert batch_count("dropping", "dropped") - before == 2


async def test_a_failed_batch_is_counted_and_the_next_is_written(caplog):
    written = []

    async def write(batch) -> None:
        if 0 in batch:
            raise OSError("disk full")
        written.extend(batch)

    failed, done = batch_count("failing", "failed"), batch_count("failing", "written")
    async with BatchWriter("failing", write, BatchSettings(max_items=2, max_wait_ms=1.0)) as writer:
        for item in range(4):
            writer.put(item)
    assert written == [2, 3]
    assert (batch_count("failing", "failed") - failed, batch_count("failing", "written") - done) == (2, 2)
    assert "given up" in caplog.text


async def test_background_tasks_are_finished_when_drained():
    tasks, done = BackgroundTasks(), []

    async def work() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        done.append(True)

    tasks.spawn("work", work(), finish=True)
    await tasks.drain(5.0)
    assert done == [True]


async def test_background_tasks_that_never_end_are_cancelled_and_waited_for():
    tasks, seen = BackgroundTasks(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned up")

    tasks.spawn("work", work(), finish=True)
    await asyncio.sleep(0)
    await tasks.drain(0.0)
    assert seen == ["cleaned up"]


async def test_loops_are_cancelled_at_once_so_that_they_do_not_hold_the_drain_up():
    tasks = BackgroundTasks()
    loop = tasks.spawn("loop", asyncio.Event().wait())
    await asyncio.wait_for(tasks.drain(3_600.0), 5.0)
    assert loop.cancelled()


async def test_a_failed_background_task_is_logged_and_counted(caplog):
    def count() -> float:
        return metrics().registry.get_sample_value("vitrine_background_failures_total", {"task": "doomed"}) or 0.0

    async def work() -> None:
        raise KeyError("lost")

    before = count()
    tasks = BackgroundTasks()
    tasks.spawn("doomed", work(), finish=True)
    # From the start: alerts cannot tell that a counter which appears as one has just been nought.
    assert metrics().registry.get_sample_value("vitrine_background_failures_total", {"task": "doomed"}) is not None
    await tasks.drain(5.0)
    assert count() == before + 1
    assert "KeyError" in caplog.text


async def test_the_executor_runs_work_in_a_thread_with_the_calls_ids():
    executor = BoundedExecutor("unit")
    enter_call(CallContext("the-request", TraceParent("ab" * 16, "cd" * 8)))

    def work(left: int, *, right: int) -> tuple[int, str, bool]:
        return left + right, current_call().request_id, threading.current_thread() is threading.main_thread()

    assert await executor.run(work, 1, right=2) == (3, "the-request", False)
    with pytest.raises(ZeroDivisionError):
        await executor.run(divmod, 1, 0)
    executor.close()


async def test_the_executor_refuses_what_does_not_fit_and_takes_more_later():
    executor, gate = BoundedExecutor("narrow", threads=1, queue_limit=1), threading.Event()
    running = [asyncio.ensure_future(executor.run(gate.wait, 30)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await executor.run(int)
    gate.set()
    assert await asyncio.gather(*running) == [True, True]
    assert await executor.run(int) == 0
    executor.close()


async def test_a_cancelled_caller_does_not_free_the_place_of_a_running_job():
    executor, gate, begun = BoundedExecutor("cancelled", threads=1, queue_limit=0), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(30)

    job = asyncio.ensure_future(executor.run(work))
    await asyncio.to_thread(begun.wait, 30)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    with pytest.raises(Overloaded):
        await executor.run(int)
    gate.set()
    executor.close()
