"""gRPC health: who serves now. `python -m services.kit.health ADDRESS [SERVICE]` asks a server and exits with
0 or 1.
"""

import argparse
import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_STATUS = health_pb2.HealthCheckResponse
SERVING: int = _STATUS.SERVING
NOT_SERVING: int = _STATUS.NOT_SERVING
SERVICE_UNKNOWN: int = _STATUS.SERVICE_UNKNOWN

WHOLE_SERVER = ""

ACCEPTING = "vitrine.accepting"
"""Not a service but a state: SERVING from the opening of the port until the drain. Channels of kit watch it, so that
they turn to other replicas before a draining one stops taking calls."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """The standard health service. Everything is NOT_SERVING until it is set; after `drain` for good.

    Unlike the servicer that comes with gRPC, its watches can be ended, so they do not hold the end of a process up.
    """

    def __init__(self) -> None:
        self._statuses: dict[str, int] = {WHOLE_SERVER: NOT_SERVING, ACCEPTING: SERVING}
        self._draining = False
        self._ended = False
        self._watchers = 0
        self._changed = asyncio.Condition()

    @property
    def watchers(self) -> int:
        """How many clients watch, and so will learn of a drain."""
        return self._watchers

    def status(self, service: str = WHOLE_SERVER) -> int:
        """Return the current status of a service."""
        return self._statuses.get(service, SERVICE_UNKNOWN)

    async def set(self, service: str, *, serving: bool) -> None:
        """Set the status of one service, "" being the whole server."""
        if not self._draining:
            await self._put({service: SERVING if serving else NOT_SERVING})

    async def drain(self) -> None:
        """Set everything to NOT_SERVING for good."""
        self._draining = True
        await self._put(dict.fromkeys(self._statuses, NOT_SERVING))

    async def end_watches(self) -> None:
        """End all watches, and new ones after their first message."""
        self._ended = True
        await self._put({})

    async def Check(  # noqa: N802  the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """Answer the current status, NOT_FOUND for a service that this server does not have."""
        status = self.status(request.service)
        if status == SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service named {request.service!r} here")
        return _STATUS(status=status)

    async def Watch(  # noqa: N802  the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Send the status now and at each change."""
        last: int | None = None
        self._watchers += 1
        try:
            while not (self._ended and self.status(request.service) == last):
                async with self._changed:
                    while self.status(request.service) == last and not self._ended:
                        await self._changed.wait()
                    current = self.status(request.service)
                if current != last:
                    await context.write(_STATUS(status=current))
                last = current
        finally:
            self._watchers -= 1

    async def _put(self, statuses: dict[str, int]) -> None:
        async with self._changed:
            self._statuses.update(statuses)
            self._changed.notify_all()


async def check(address: str, service: str = WHOLE_SERVER, *, timeout_s: float = 2.0) -> bool:
    """Say whether the server at the address answers that the service is SERVING."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout_s
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == SERVING)


def main() -> None:
    """Exit with 0 when the service is SERVING, with 1 otherwise."""
    parser = argparse.ArgumentParser(description="Ask a gRPC server whether it is serving.")
    parser.add_argument("address", help="host:port")
    parser.add_argument("service", nargs="?", default=WHOLE_SERVER, help="full name; the whole server when left out")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait for the answer")
    arguments = parser.parse_args()
    serving = asyncio.run(check(arguments.address, arguments.service, timeout_s=arguments.timeout))
    raise SystemExit(0 if serving else 1)


if __name__ == "__main__":
    main()
