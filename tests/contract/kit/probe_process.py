"""The probe as a process of its own: `python -m tests.contract.kit.probe_process [hang-in-thread|never-warm|…]`."""

import asyncio
import sys
import threading

from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, run
from services.kit.settings import ServiceSettings, load
from tests.contract.kit.probe import Probe, add_probe_to_server

MODE = sys.argv[1] if len(sys.argv) > 1 else ""


async def wire(runtime: Runtime) -> None:
    runtime.register(add_probe_to_server, Probe())
    runtime.resources.callback(print, "resources closed", flush=True)
    match MODE:
        case "hang-in-thread":
            runtime.background.spawn("stuck", runtime.executor.run(threading.Event().wait))
        case "never-warm":
            runtime.warm_up(asyncio.Event().wait)
        case "fail-warm":
            runtime.warm_up(fail)
        case "never-wired":
            print("wiring", flush=True)  # noqa: T201  the test reads it
            await asyncio.Event().wait()


async def fail() -> None:
    raise RuntimeError("no weights")


if __name__ == "__main__":
    run(ServiceDefinition("probe", load(ServiceSettings), wire))
