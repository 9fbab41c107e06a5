"""A dependency over gRPC: its channel, its circuit breaker, and errors that say what failed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc

from services.kit.breaker import Breaker, BreakerSettings, BreakerState
from services.kit.call_context import outgoing_metadata
from services.kit.channels import open_channel, read_service_config
from services.kit.deadline import Budget
from services.kit.errors import DependencyDown
from services.kit.status import RemoteError, from_dependency
from services.kit.telemetry import metrics
from services.kit.timeouts import MethodTimeouts

DEFAULT_TIMEOUT_S = 2.0

# A time-out shorter than this says more about the caller's deadline than about the dependency.
SHORTEST_TELLING_TIMEOUT_S = 0.02


class Upstream:
    """What other services are called through.

    `stub = RankerServiceStub(upstream.channel)`, then `await upstream.call(stub.Recommend, request,
    timeout_s=0.1)`.
    """

    def __init__(
        self,
        name: str,
        channel: grpc.aio.Channel,
        breaker: BreakerSettings | None = None,
        timeouts: MethodTimeouts | None = None,
    ) -> None:
        self.name = name
        self.channel = channel
        self._timeouts = timeouts or MethodTimeouts()
        self._breaker = Breaker(breaker, on_change=self._show_state)
        calls = metrics().counter("vitrine_upstream_calls", "Calls to dependencies.", ["dependency", "outcome"])
        self._calls = calls
        self._seconds = (
            metrics()
            .histogram("vitrine_upstream_seconds", "Duration of answered calls to dependencies.", ["dependency"])
            .labels(name)
        )
        self._state_gauge = (
            metrics().gauge("vitrine_breaker_state", "0 closed, 1 half-open, 2 open.", ["dependency"]).labels(name)
        )

    @classmethod
    def open(
        cls,
        name: str,
        addresses: Sequence[str],
        service_config: Mapping[str, Any] | Path | str | None = None,
        *,
        breaker: BreakerSettings | None = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> "Upstream":
        """Open a channel to the addresses (see `channels.open_channel`) and put a breaker before it."""
        config = read_service_config(service_config)
        return cls(name, open_channel(addresses, config, credentials=credentials), breaker, MethodTimeouts(config))

    @property
    def breaker_state(self) -> BreakerState:
        """Whether calls pass now."""
        return self._breaker.state

    async def call(self, method: Callable[..., Any], request: Any, *, timeout_s: float | None = None) -> Any:
        """Make one call (unary or client-streaming) and return its answer.

        The time-out is never longer than what remains of the current call's deadline, nor than the contract's.
        Raises: DependencyDown (cause timeout, unavailable, overloaded, internal or breaker_open); RemoteError
        when the dependency refused the request, with its reason.
        """
        seconds = self._bounded(self._wanted(method, timeout_s))
        if seconds <= 0.0:
            self._count("timeout")
            raise DependencyDown(self.name, f"no time is left to ask {self.name}", cause="timeout")
        permit = self._breaker.permit()
        if permit is None:
            self._count("breaker_open")
            raise DependencyDown(self.name, f"{self.name} kept failing and is not asked", cause="breaker_open")
        started_s = asyncio.get_running_loop().time()
        try:
            answer = await method(request, timeout=seconds, metadata=outgoing_metadata())
        except grpc.RpcError as error:
            failure = from_dependency(error, self.name)
            if isinstance(failure, RemoteError):
                permit.succeeded()
                self._count("refused")
            elif failure.cause == "timeout" and seconds < SHORTEST_TELLING_TIMEOUT_S:
                permit.abandoned()
                self._count(failure.cause)
            else:
                permit.failed()
                self._count(failure.cause)
            raise failure from error
        except BaseException:
            permit.abandoned()
            raise
        permit.succeeded()
        self._count("ok")
        self._seconds.observe(asyncio.get_running_loop().time() - started_s)
        return answer

    async def stream(
        self, method: Callable[..., Any], request: Any, *, timeout_s: float | None = None
    ) -> AsyncIterator[Any]:
        """Read a server's stream to its end; without `timeout_s` it may last for ever (a watch).

        The breaker is left alone: a watch that is cut is opened again by its owner, with its cursor.
        Raises: as `call`.
        """
        call = method(request, timeout=timeout_s, metadata=outgoing_metadata())
        try:
            async for message in call:
                yield message
        except grpc.RpcError as error:
            failure = from_dependency(error, self.name)
            self._count("refused" if isinstance(failure, RemoteError) else failure.cause)
            raise failure from error
        finally:
            call.cancel()  # a reader that stops early must not leave the server streaming
        self._count("ok")

    async def close(self) -> None:
        """Close the channel; calls in flight end."""
        await self.channel.close()

    def _wanted(self, method: Callable[..., Any], timeout_s: float | None) -> float:
        path = getattr(method, "_method", b"")  # a stub's call knows its path; fakes in tests need not
        of_contract = self._timeouts.of(path.decode() if isinstance(path, bytes) else str(path))
        given = [seconds for seconds in (timeout_s, of_contract) if seconds is not None]
        return min(given, default=DEFAULT_TIMEOUT_S)

    def _bounded(self, wanted_s: float) -> float:
        return Budget.of_call(wanted_s * 1000.0).share(1.0, at_most_ms=wanted_s * 1000.0)

    def _count(self, outcome: str) -> None:
        self._calls.labels(self.name, outcome).inc()

    def _show_state(self, state: BreakerState) -> None:
        self._state_gauge.set(state.value)
