"""How long a contract test's server waits for a call that sets no deadline, and how a test waits for a server."""

import asyncio
from collections.abc import Awaitable, Callable

from services.kit.settings import ServiceSettings

PATIENCE_MS = 20_000
"""The services' own default is for a shop's pages; only a busy machine needs more than a moment of this."""
TURN_S = 0.02
"""Between two looks at what a server does by itself."""


def patient(drain_seconds: float) -> ServiceSettings:
    """Settings of a fake's server."""
    return ServiceSettings(drain_seconds=drain_seconds, default_deadline_ms=PATIENCE_MS)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a server does by itself; the test's own time-out ends a wait in vain."""
    while not await condition():
        await asyncio.sleep(TURN_S)
