"""Records the messages between the services of a running ensemble, from outside: proxies that pass bytes on."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import grpc

from lab.benchmark.messages import RecordedPage
from services.kit.call_context import REQUEST_ID_HEADER, TRACEPARENT_HEADER

PASSED_ON = (REQUEST_ID_HEADER, TRACEPARENT_HEADER)

_ANY_SIZE = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# How large messages may be is between the services.


def _same(message: bytes) -> bytes:
    return message


class Recorder:
    """Proxies in front of services; remembers unary calls of the given paths by the request id they belong to."""

    def __init__(self, services: Sequence[str], paths: Collection[str]) -> None:
        self._services = services
        self._paths = frozenset(paths)
        self._targets: dict[str, grpc.aio.Channel] = {}
        self._resources = AsyncExitStack()
        self.addresses: dict[str, str] = {}
        """By service: where its proxy listens."""
        self.pages: dict[str, dict[str, tuple[bytes, bytes]]] = defaultdict(dict)
        """By request id."""

    async def __aenter__(self) -> Self:
        for service in self._services:
            server = grpc.aio.server(options=_ANY_SIZE)
            server.add_generic_rpc_handlers((_Passing(service, self),))
            self.addresses[service] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            self._resources.push_async_callback(server.stop, 0.1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    def forward_to(self, service: str, address: str) -> None:
        """Say where a service really is."""
        channel = grpc.aio.insecure_channel(address, options=_ANY_SIZE)
        self._resources.push_async_callback(channel.close)
        self._targets[service] = channel

    def complete(self, hops: Collection[str]) -> dict[str, RecordedPage]:
        """The request ids of which every hop was recorded, with their messages."""
        return {page_id: dict(calls) for page_id, calls in self.pages.items() if set(hops) <= calls.keys()}

    async def pass_on(
        self, service: str, path: str, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        """Pass a call of any kind on; on the wire unary calls are streams of one message."""
        metadata = [(key, value) for key, value in context.invocation_metadata() or () if key in PASSED_ON]
        page_id = str(dict(metadata).get(REQUEST_ID_HEADER, ""))
        sent: list[bytes] = []

        async def forwarded() -> AsyncIterator[bytes]:
            async for request in requests:
                sent.append(request)
                yield request

        call = self._targets[service].stream_stream(path, _same, _same)(
            forwarded(), metadata=metadata, timeout=context.time_remaining()
        )
        try:
            async for response in call:
                if path in self._paths:
                    self.pages[page_id][path] = (sent[0], response)
                yield response
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        finally:
            call.cancel()


class _Passing(grpc.GenericRpcHandler):  # type: ignore[misc]  # the package has no types
    def __init__(self, service: str, recorder: Recorder) -> None:
        self._service = service
        self._recorder = recorder

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Handle every method alike."""
        path = handler_call_details.method

        async def handle(requests: Any, context: Any) -> AsyncIterator[bytes]:
            async for response in self._recorder.pass_on(self._service, path, requests, context):
                yield response

        return grpc.stream_stream_rpc_method_handler(handle, _same, _same)
