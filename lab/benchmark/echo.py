"""`python -m lab.benchmark.echo PAGES`: answers the calls of a page with what was recorded, and does nothing else.

It parses each request and builds each answer, as any server must; that is the floor of a hop.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
import uvloop

from lab.benchmark.messages import CALLS, Call, read_pages

PAGE_HEADER = "x-page"


class _Echo(grpc.GenericRpcHandler):  # type: ignore[misc]  # the package has no types
    def __init__(self, pages: Path) -> None:
        recorded = read_pages(pages)
        self._handlers = {
            call.path: _handler(call, [call.response.FromString(page[call.path][1]) for page in recorded])
            for call in CALLS
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a recorded call."""
        return self._handlers.get(handler_call_details.method)


def _handler(call: Call, answers: list[Any]) -> grpc.RpcMethodHandler:
    async def answer(_request: Any, context: Any) -> Any:
        return answers[int(dict(context.invocation_metadata())[PAGE_HEADER])]

    return grpc.unary_unary_rpc_method_handler(answer, call.request.FromString, call.response.SerializeToString)


async def _serve(pages: Path) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(pages),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(sys.argv[1])))
