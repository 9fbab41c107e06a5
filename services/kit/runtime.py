"""What a service is wired onto: its server, health, background work, executor and open resources."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.kit.background import BackgroundTasks
from services.kit.executor import BoundedExecutor
from services.kit.health import WHOLE_SERVER, Health
from services.kit.interceptors import CallInterceptor
from services.kit.server_options import server_credentials, server_options
from services.kit.settings import ServiceSettings

LOG = logging.getLogger(__name__)

# A stopping server cancels the calls that it has not looked at yet. So clients that watch health are told first, and
# given this long to send their calls elsewhere.
_FAREWELL_S = 0.2
_FAREWELL_SHARE = 0.1

WarmUp = Callable[[], Awaitable[None]]

# Of the drain time: calls in flight may take this share, background tasks what is then left but for the
# closing.
_CALLS_SHARE = 0.6
_BACKGROUND_SHARE = 0.8


class Runtime:
    """One server process in the making. `wire` of a ServiceDefinition fills it; `serving` runs it."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.resources = AsyncExitStack()
        """What `wire` opens is entered here and closed last, in reverse order."""
        self.background = BackgroundTasks()
        self.executor = BoundedExecutor(name)
        self.health = Health()
        self.metrics_port: int | None = None
        self.interceptor = CallInterceptor(
            name, default_deadline_ms=settings.default_deadline_ms, max_in_flight=settings.max_in_flight
        )
        self.server: grpc.aio.Server = grpc.aio.server(
            interceptors=(self.interceptor,), options=server_options(settings)
        )
        self.services: list[str] = []
        self._warm_ups: list[tuple[WarmUp, frozenset[str]]] = []

    def register(self, add_to_server: Callable[[Any, Any], None], servicer: object) -> str:
        """Add a servicer with its generated `add_<Service>Servicer_to_server`; returns the service's full
        name.
        """
        names = _NamesOnTheWay(self.server)
        add_to_server(servicer, names)
        self.services += names.seen
        return names.seen[0]

    def warm_up(self, work: WarmUp, *, serves: Sequence[str] = ()) -> None:
        """Run `work` once the port is open; the services named in `serves` are SERVING only when it is done.

        Without `serves` all services wait for it. A service that no warm-up holds back serves at once; the
        whole server ("") serves when every warm-up is done. A warm-up that raises ends the process.
        """
        self._warm_ups.append((work, frozenset(serves)))

    def bind(self, listen: str) -> str:
        """Add health and reflection, open the port, and return the address with its real port.

        Raises: RuntimeError when the port is taken.
        """
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        reflection.enable_server_reflection(
            (*self.services, "grpc.health.v1.Health", reflection.SERVICE_NAME), self.server
        )
        credentials = server_credentials(self.settings)
        if credentials is None:
            port = self.server.add_insecure_port(listen)
        else:
            port = self.server.add_secure_port(listen, credentials)
        return f"{listen.rpartition(':')[0]}:{port}"

    async def warm_up_all(self) -> None:
        """Run the warm-ups side by side and set health as they finish."""
        waiting = {
            service: {number for number, (_, serves) in enumerate(self._warm_ups) if not serves or service in serves}
            for service in self.services
        }
        for service in self.services:
            await self.health.set(service, serving=not waiting[service])

        async def one(number: int, work: WarmUp) -> None:
            await work()
            for service, left in waiting.items():
                if number in left:
                    left.discard(number)
                    await self.health.set(service, serving=not left)

        async with asyncio.TaskGroup() as group:
            for number, (work, _) in enumerate(self._warm_ups):
                group.create_task(one(number, work))
        await self.health.set(WHOLE_SERVER, serving=True)

    async def drain(self, seconds: float) -> None:
        """Finish what runs within the time: health off, watches ended, calls, background tasks, then the
        executor.

        Resources are closed by whoever entered them, after this.
        """
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await self.health.drain()
        if self.health.watchers:
            await asyncio.sleep(min(_FAREWELL_S, seconds * _FAREWELL_SHARE))
        await self.health.end_watches()
        if ending := self.interceptor.admission.end_watches():
            # Told before the server stops: a connection that closes says nothing of draining.
            await asyncio.wait(ending, timeout=seconds * _FAREWELL_SHARE)
        await self.server.stop(max(seconds * _CALLS_SHARE - (loop.time() - begun_s), 0.0))
        spent_s = loop.time() - begun_s
        await self.background.drain(max(seconds * _BACKGROUND_SHARE - spent_s, 0.0))
        self.executor.close()


class _NamesOnTheWay:
    """Stands between generated registration code and the server, and notes the names of the services."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self.seen: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        # All that older generators call, such as the one behind TensorFlow Serving's stubs.
        self.seen += [handler.service_name() for handler in handlers if handler.service_name() not in self.seen]
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service_name: str, handlers: Any) -> None:
        if service_name not in self.seen:
            self.seen.append(service_name)
        self._server.add_registered_method_handlers(service_name, handlers)
