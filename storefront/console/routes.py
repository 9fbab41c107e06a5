"""Paths of the console."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from storefront.console import overview, rules
from storefront.console.access import challenge
from storefront.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


def guarded(handler: Handler) -> Handler:
    """The handler, for those who may use the console."""

    async def answer(visit: Visit) -> Response:
        refused = challenge(visit)
        return refused if refused is not None else await handler(visit)

    return answer


CONSOLE: dict[tuple[str, str], Handler] = {
    ("GET", "/console"): guarded(overview.show),
    ("GET", "/console/rule"): guarded(rules.edit),
    ("POST", "/console/rule"): guarded(rules.change),
}
