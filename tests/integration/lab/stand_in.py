"""A tiny gRPC server with health, standing in for a service: run as a script, told by its environment."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2_grpc

from services.kit.health import Health


async def serve() -> None:
    """Serve health at STAND_IN_LISTEN until SIGTERM; leave a line in STAND_IN_JOURNAL at both ends."""
    name, stop = os.environ["STAND_IN_NAME"], asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server, health = grpc.aio.server(), Health()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(os.environ["VITRINE_LISTEN"])
    await server.start()
    await health.set("", serving=True)
    note(f"start {name}")
    await stop.wait()
    note(f"stop {name}")
    await health.drain()
    await server.stop(0.1)


def note(line: str) -> None:
    """Write a line into the journal that all stand-ins share."""
    with Path(os.environ["STAND_IN_JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(f"{line}\n")


if __name__ == "__main__":
    if os.environ.get("STAND_IN_FAILS"):
        sys.exit("the configuration is wrong: STAND_IN_FAILS is set")
    asyncio.run(serve())
