"""The one bootstrap: from a service's wiring to a process that warms up, serves, and drains."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop

from services.kit.collector import spare_what_stays
from services.kit.drain import Watchdog
from services.kit.runtime import Runtime
from services.kit.settings import ServiceSettings
from services.kit.telemetry import MetricsPage, configure_logging, metrics

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceDefinition:
    """What makes a service: its name, its settings and the one place where its parts are wired."""

    name: str
    """Short name such as "ranker"; the domain of its errors is `vitrine.<name>`."""
    settings: ServiceSettings
    wire: Callable[[Runtime], Awaitable[None]]
    """Opens resources, registers servicers and warm-ups on the runtime. Runs before the port is open."""


def run(definition: ServiceDefinition) -> None:
    """Serve until SIGTERM or SIGINT; the body of a service's `__main__`. Exits with 1 when warm-up fails."""
    settings = definition.settings
    configure_logging(definition.name, settings.log_level, settings.log_format)
    LOG.info("starting", extra={"fields": {"service": definition.name, **settings.describe()}})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(definition))
        except asyncio.CancelledError:
            LOG.info("stopped before it served")
        except Exception:
            LOG.exception("the service cannot go on")
            raise SystemExit(1) from None


async def serve(definition: ServiceDefinition) -> None:
    """Serve until a signal arrives or warm-up fails, then drain; the process ends within `drain_seconds`."""
    settings = definition.settings
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    this_task = asyncio.current_task()
    for kind in (signal.SIGTERM, signal.SIGINT):  # while the service is still being wired: give up
        loop.add_signal_handler(kind, this_task.cancel if this_task else stop.set)
    async with started(definition, settings.listen) as (runtime, address, warming):
        for kind in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(kind, stop.set)
        LOG.info("listening", extra={"fields": {"address": address, "metrics_port": runtime.metrics_port}})
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, warming}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                warming.result()
                spare_what_stays()
                LOG.info("serving", extra={"fields": {"address": address}})
                await stopping
        finally:
            stopping.cancel()
            LOG.info("draining", extra={"fields": {"drain_seconds": settings.drain_seconds}})
            Watchdog(settings.drain_seconds).start()


@asynccontextmanager
async def running(
    definition: ServiceDefinition, listen: str = "127.0.0.1:0", *, await_warm_up: bool = True
) -> AsyncIterator[str]:
    """Serve in this event loop while the context lasts, for tests; yields the address, `127.0.0.1:<port>`."""
    async with started(definition, listen) as (_, address, warming):
        if await_warm_up:
            await warming
        yield address


@asynccontextmanager
async def started(definition: ServiceDefinition, listen: str) -> AsyncIterator[tuple[Runtime, str, asyncio.Task[None]]]:
    """Open the server and warm it up in the task that is yielded beside runtime and address; drain at the
    end.
    """
    settings = definition.settings
    runtime = Runtime(definition.name, settings)
    count_tasks(asyncio.get_running_loop())
    async with runtime.resources:
        await definition.wire(runtime)
        if settings.metrics_port is not None:
            host = listen.rpartition(":")[0].strip("[]") or "127.0.0.1"
            page = runtime.resources.enter_context(MetricsPage(host, settings.metrics_port))
            runtime.metrics_port = page.port
        address = runtime.bind(listen)
        await runtime.server.start()
        warming = asyncio.create_task(runtime.warm_up_all(), name="warm-up")
        try:
            yield runtime, address, warming
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            await runtime.drain(settings.drain_seconds)


def count_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Show how many tasks the event loop has; what only ever grows is a leak. Counted when somebody looks."""
    gauge = metrics().gauge("vitrine_asyncio_tasks", "Tasks of the event loop that have not ended.")
    gauge.set_function(lambda: float(len(asyncio.all_tasks(loop))))
