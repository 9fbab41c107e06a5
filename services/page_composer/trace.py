"""What happened while a page was made: time and CPU of each stage, and what was missing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.page_composer.page import Degraded, Timing

_CAUSES = frozenset({"timeout", "unavailable", "breaker_open", "not_ready"})


class Trace:
    """The record of one page."""

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, cpu_clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._cpu_clock = cpu_clock
        self.timings: list[Timing] = []
        """Of each stage, in order."""
        self.degraded: list[Degraded] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage."""
        began_s, cpu_s = self._clock(), self._cpu_clock()
        try:
            yield
        finally:
            spent_s, worked_s = self._clock() - began_s, self._cpu_clock() - cpu_s
            self.timings.append(Timing(name, round(spent_s * 1e6), round(worked_s * 1e6)))

    def missing(self, dependency: str, cause: str, stand_in: str) -> None:
        """Note that something stood in for a dependency; causes that callers do not tell apart become "unavailable"."""
        found = Degraded(dependency, cause if cause in _CAUSES else "unavailable", stand_in)
        if all((each.dependency, each.stand_in) != (dependency, stand_in) for each in self.degraded):
            self.degraded.append(found)
