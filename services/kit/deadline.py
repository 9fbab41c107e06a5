"""What is left of a call's time, and how much of it a part may use. Pure: the clock is given."""

import time
from collections.abc import Callable

from services.kit.call_context import current_call

Clock = Callable[[], float]


class Budget:
    """The time of one call, shared out among its stages.

    `reserve_ms` is kept back for what comes after the last stage: assembling and sending the answer.
    """

    def __init__(self, total_ms: float, *, reserve_ms: float = 0.0, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._started_s = clock()
        self._ends_s = self._started_s + max(total_ms - reserve_ms, 0.0) / 1000.0

    @classmethod
    def of_call(cls, default_ms: float, *, reserve_ms: float = 0.0, clock: Clock = time.monotonic) -> "Budget":
        """Return what is left of the current call's deadline; `default_ms` outside calls and for endless
        ones.
        """
        call = current_call()
        if call is None or call.deadline_s is None:
            return cls(default_ms, reserve_ms=reserve_ms, clock=clock)
        return cls((call.deadline_s - clock()) * 1000.0, reserve_ms=reserve_ms, clock=clock)

    @property
    def remaining_ms(self) -> float:
        """What is left in milliseconds, the reserve already taken off; never negative."""
        return max(self._ends_s - self._clock(), 0.0) * 1000.0

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the budget was opened."""
        return (self._clock() - self._started_s) * 1000.0

    @property
    def exhausted(self) -> bool:
        """True when nothing is left."""
        return self.remaining_ms <= 0.0

    def share(self, fraction: float, *, at_most_ms: float = float("inf"), at_least_ms: float = 0.0) -> float:
        """Return the **seconds** that a part may take: a fraction of what is left now, within the given
        limits.

        What is left bounds everything: a part never gets more than that, whatever `at_least_ms` says.
        """
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"a share is between 0 and 1, not {fraction}")
        remaining_ms = self.remaining_ms
        wanted_ms = min(max(remaining_ms * fraction, at_least_ms), at_most_ms)
        return min(wanted_ms, remaining_ms) / 1000.0
