"""Every replica behind an address, each with a channel of its own: for questions that all of them must answer.

A channel over a name takes its replicas in turn and cannot tell which of them answered. A name stands for as many
replicas as DNS says at the moment (Docker Compose, a headless service of Kubernetes).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import grpc

from services.kit.channels import host_and_port, is_numeric, open_channel
from services.kit.errors import DependencyDown
from services.kit.upstream import Upstream

GRACE_S = 10.0
"""A channel is closed so long after its replica has gone: longer than anything that all replicas are asked."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → `number:port` of every replica; raises OSError when the name is not known."""


async def resolve_by_dns(host: str, port: int) -> Sequence[str]:
    """Look a name up. Raises: OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return sorted({f"{place[0]!s}:{port}" for *_, place in found})


class Replicas:
    """The replicas of one service. `current` looks names up anew each time; a channel lives as long as its replica,
    and a little longer: another caller may be about to ask it.
    """

    def __init__(
        self,
        name: str,
        addresses: Sequence[str],
        credentials: grpc.ChannelCredentials | None = None,
        resolve: Resolve = resolve_by_dns,
    ) -> None:
        self._name = name
        self._pairs = [host_and_port(address) for address in addresses]
        self._credentials = credentials
        self._resolve = resolve
        self._open: dict[str, Upstream] = {}
        self._leaving: dict[asyncio.Task[None], Upstream] = {}

    async def current(self) -> list[Upstream]:
        """Return one upstream a replica. Raises: DependencyDown when a name stands for none now."""
        hosts = [(host, each) for host, port in self._pairs for each in await self._behind(host, port)]
        # Nothing is awaited from here on, so that callers at the same time do not meet half-way.
        for gone in self._open.keys() - {address for _, address in hosts}:
            upstream = self._open.pop(gone)
            leaving = asyncio.create_task(_close_later(upstream))
            self._leaving[leaving] = upstream
            leaving.add_done_callback(lambda task: self._leaving.pop(task, None))
        return [self._upstream(host, address) for host, address in dict.fromkeys(hosts)]

    async def close(self) -> None:
        """Close every channel."""
        leaving, self._leaving = self._leaving, {}
        for task, upstream in leaving.items():
            task.cancel()
            await upstream.close()
        while self._open:
            await self._open.popitem()[1].close()

    async def _behind(self, host: str, port: int) -> Sequence[str]:
        if is_numeric(host):
            return [f"{host}:{port}"]
        try:
            return await self._resolve(host, port)
        except OSError as error:
            raise DependencyDown(self._name, f"{host} is not a known name: {error}", cause="unavailable") from error

    def _upstream(self, host: str, address: str) -> Upstream:
        if address not in self._open:
            channel = open_channel([address], credentials=self._credentials, server_name=host)
            self._open[address] = Upstream(self._name, channel)
        return self._open[address]


async def _close_later(upstream: Upstream) -> None:
    await asyncio.sleep(GRACE_S)
    await upstream.close()
