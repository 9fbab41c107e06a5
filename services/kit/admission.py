"""Who may come in: a limit on the calls in flight, and watches that end when the server drains."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.kit.errors import Overloaded

_WATCH = "Watch"


def is_watch(method: str) -> bool:
    """Say whether a method (`/package.Service/Method`) never ends by itself, which is what its name says."""
    return method.rpartition("/")[2].startswith(_WATCH)


class Admission:
    """The places of one server. Watches take none: they wait, mostly."""

    def __init__(self, max_in_flight: int) -> None:
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._watches: set[asyncio.Task[Any]] = set()
        self._draining = False

    @property
    def in_flight(self) -> int:
        """How many calls are being worked on, watches left out."""
        return self._in_flight

    @property
    def draining(self) -> bool:
        """Whether watches have been ended."""
        return self._draining

    def end_watches(self) -> frozenset[asyncio.Task[Any]]:
        """Cancel the tasks of all watches, and let no new ones in. Returns them: one ends when its client is told."""
        self._draining = True
        ending = frozenset(self._watches)
        for task in ending:
            task.cancel()
        return ending

    @contextmanager
    def place(self, *, watch: bool) -> Iterator[None]:
        """Hold a place while the call of the current task lasts. Raises: Overloaded when there is none."""
        if watch:
            if self._draining:
                raise Overloaded("this process is shutting down; watch another replica", reason="DRAINING")
            task = asyncio.current_task()
            assert task is not None, "calls run in tasks"
            self._watches.add(task)
            try:
                yield
            finally:
                self._watches.discard(task)
            return
        if self._in_flight >= self._max_in_flight:
            raise Overloaded(
                f"{self._in_flight} calls are in flight, which is the limit; try again later or elsewhere",
                metadata={"max_in_flight": str(self._max_in_flight)},
            )
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
