"""What happened while a page was made: time of each stage, and what was missing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.page_composer.page import Degraded

_CAUSES = frozenset({"timeout", "unavailable", "breaker_open", "not_ready"})


class Trace:
    """The record of one page."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.timings: list[tuple[str, int]] = []
        """Stage and microseconds, in order."""
        self.degraded: list[Degraded] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage."""
        began_s = self._clock()
        try:
            yield
        finally:
            self.timings.append((name, round((self._clock() - began_s) * 1e6)))

    def missing(self, dependency: str, cause: str, stand_in: str) -> None:
        """Note that something stood in for a dependency; causes that callers do not tell apart become "unavailable"."""
        found = Degraded(dependency, cause if cause in _CAUSES else "unavailable", stand_in)
        if all((each.dependency, each.stand_in) != (dependency, stand_in) for each in self.degraded):
            self.degraded.append(found)
