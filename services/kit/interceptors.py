"""What happens around every call: ids, deadline, admission, error translation, log and metrics."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import grpc

from services.kit.access import AccessRecorder, CallRecord
from services.kit.admission import Admission, is_watch
from services.kit.call_context import (
    REQUEST_ID_HEADER,
    TRACEPARENT_HEADER,
    CallContext,
    TraceParent,
    enter_call,
    new_request_id,
    usable_request_id,
)
from services.kit.status import RpcStatus, make_status, to_rpc_status

Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]]

# gRPC's own services (health, reflection) are not ours to count, limit or refuse.
_INFRASTRUCTURE = "/grpc."

# By (request streaming, response streaming).
_MAKE = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # the package has no types
    """The one interceptor of a Vitrine server.

    Methods named `Watch…` never end by themselves: they have no deadline, do not count as load, and are ended
    with UNAVAILABLE / DRAINING when the server drains, so that their clients go on elsewhere.
    """

    def __init__(self, service: str, *, default_deadline_ms: int, max_in_flight: int) -> None:
        self.admission = Admission(max_in_flight)
        self._domain = f"vitrine.{service}"
        self._default_deadline_s = default_deadline_ms / 1000.0
        self._recorder = AccessRecorder()
        self._wrapped: dict[str, tuple[grpc.RpcMethodHandler, grpc.RpcMethodHandler]] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """Put this interceptor around the handler of a call; once for each method."""
        method: str = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(_INFRASTRUCTURE):
            return handler
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = (handler, self._wrap(method, handler))
        return known[1]

    def _wrap(self, method: str, handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
        behaviours = handler.stream_stream, handler.unary_stream, handler.stream_unary, handler.unary_unary
        behaviour = next(each for each in behaviours if each is not None)
        around = self._stream if handler.response_streaming else self._answer
        return _MAKE[handler.request_streaming, handler.response_streaming](
            partial(around, method, behaviour), handler.request_deserializer, handler.response_serializer
        )

    async def _answer(self, method: str, behaviour: Callable[..., Awaitable[Any]], request: Any, context: Any) -> Any:
        endless = hasattr(request, "__aiter__")
        async with self._around(self._begin(method, request, context, endless=endless), context):
            return await behaviour(request, context)

    async def _stream(self, method: str, behaviour: Callable[..., Any], request: Any, context: Any) -> None:
        # Written to the context, not yielded: a cancellation then arrives here, wherever the call stands.
        record = self._begin(method, request, context, endless=True)
        write = partial(write_whole, context) if is_watch(method) else context.write
        async with self._around(record, context), aclosing(behaviour(request, context)) as messages:
            async for message in messages:
                await write(message)

    def _begin(self, method: str, request: Any, context: Any, *, endless: bool) -> CallRecord:
        """Read the call's ids and deadline; an endless call gets no default deadline."""
        headers = dict(context.invocation_metadata() or ())
        request_id = _text(headers.get(REQUEST_ID_HEADER)) or _text(getattr(request, "request_id", ""))
        remaining_s: float | None = context.time_remaining()
        if remaining_s is None and not endless:
            remaining_s = self._default_deadline_s
        call = CallContext(
            request_id=request_id if usable_request_id(request_id) else new_request_id(),
            trace=TraceParent.continued(_text(headers.get(TRACEPARENT_HEADER))),
            method=method,
            deadline_s=None if remaining_s is None else time.monotonic() + remaining_s,
        )
        enter_call(call)
        return CallRecord(call, shop_id=_text(getattr(request, "shop_id", ""))[:64])

    @asynccontextmanager
    async def _around(self, record: CallRecord, context: Any) -> AsyncIterator[None]:
        watch = is_watch(record.call.method)
        self._recorder.began(record)
        try:
            with self.admission.place(watch=watch):
                async with asyncio.timeout(_time_left(record, context)) as limit:
                    yield
            record.code = _code_of(context)
        except asyncio.CancelledError:
            if not (watch and self.admission.draining):
                record.code = _code_of_cancelled(record)
                raise
            _resume_task()
            await _abort(context, record, _draining_status(self._domain))
        except grpc.aio.AbortError:
            record.code = _code_of(context)
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                await _abort(context, record, _late_status(self._domain))
            status = to_rpc_status(error, self._domain)
            record.error = error if status.code is grpc.StatusCode.INTERNAL else None
            await _abort(context, record, status)
        finally:
            self._recorder.ended(record)


async def write_whole(context: Any, message: Any) -> None:
    """Write a message; a cancellation waits until it is on its way.

    Before that gRPC takes no status, and a watch that a drain ends could not be told so.
    """
    writing = asyncio.ensure_future(context.write(message))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.gather(writing, return_exceptions=True)
        raise


async def _abort(context: Any, record: CallRecord, status: RpcStatus) -> None:
    record.code, record.reason = status.code, status.reason
    await context.abort(status.code, status.message, status.trailers)


def _time_left(record: CallRecord, context: Any) -> float | None:
    # A deadline that the caller set is kept by gRPC itself; only the default one is ours to keep.
    if record.call.deadline_s is None or context.time_remaining() is not None:
        return None
    return record.call.deadline_s - time.monotonic()


def _resume_task() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _code_of(context: Any) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else _CODES.get(code, grpc.StatusCode.OK)


def _code_of_cancelled(record: CallRecord) -> grpc.StatusCode:
    deadline_s = record.call.deadline_s
    late = deadline_s is not None and time.monotonic() >= deadline_s
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _late_status(domain: str) -> RpcStatus:
    message = "the default deadline is over; set a deadline on the call if it may take longer"
    return make_status(grpc.StatusCode.DEADLINE_EXCEEDED, message, "DEADLINE_EXCEEDED", domain)


def _draining_status(domain: str) -> RpcStatus:
    message = "this process is shutting down; resume at another replica with your cursor"
    return make_status(grpc.StatusCode.UNAVAILABLE, message, "DRAINING", domain)
