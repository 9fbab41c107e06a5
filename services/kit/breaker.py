"""A circuit breaker: stops asking a dependency that keeps failing, and probes it until it answers. Pure: the
clock is given.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

Clock = Callable[[], float]


class BreakerState(Enum):
    """Whether calls pass. The numbers are what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True)
class BreakerSettings:
    """When a breaker opens and when it tries again."""

    window_calls: int = 20
    """How many of the latest results count."""
    window_s: float = 10.0
    """Results older than this no longer count."""
    minimum_calls: int = 5
    """With fewer results in the window it stays closed, however bad they are."""
    failure_rate: float = 0.5
    """It opens when at least this share of the window failed."""
    open_s: float = 0.5
    """How long it stays open before one probe may pass. Short, so that a restarted dependency is used again
    soon.
    """


@dataclass(frozen=True)
class Permit:
    """Leave for one call. Each permit is settled once, by succeeded, failed or abandoned."""

    breaker: "Breaker"
    epoch: int

    def succeeded(self) -> None:
        """Report that the dependency answered."""
        self.breaker.settle(self.epoch, failed=False)

    def failed(self) -> None:
        """Report that the dependency did not answer."""
        self.breaker.settle(self.epoch, failed=True)

    def abandoned(self) -> None:
        """Report that the call was given up for a reason that says nothing of the dependency."""
        self.breaker.abandon(self.epoch)


class Breaker:
    """Closed: all calls pass. Open: none. Half-open: one probe at a time, whose result decides.

    Results of calls that began before the last change of state are ignored: they speak of the past.
    """

    def __init__(
        self,
        settings: BreakerSettings | None = None,
        *,
        clock: Clock = time.monotonic,
        on_change: Callable[[BreakerState], None] | None = None,
    ) -> None:
        self._settings = settings or BreakerSettings()
        self._clock = clock
        self._on_change = on_change
        self._state = BreakerState.CLOSED
        self._epoch = 0
        self._opened_s = 0.0
        self._probing = False
        self._results: deque[tuple[float, bool]] = deque(maxlen=self._settings.window_calls)

    @property
    def state(self) -> BreakerState:
        """The current state. Time alone moves open to half-open only when a permit is asked for."""
        return self._state

    def permit(self) -> Permit | None:
        """Return leave for one call, or None when the call must not be made."""
        if self._state is BreakerState.OPEN and self._clock() - self._opened_s >= self._settings.open_s:
            self._enter(BreakerState.HALF_OPEN)
        if self._state is BreakerState.OPEN or (self._state is BreakerState.HALF_OPEN and self._probing):
            return None
        self._probing = self._state is BreakerState.HALF_OPEN
        return Permit(self, self._epoch)

    def settle(self, epoch: int, *, failed: bool) -> None:
        """Take in the result of a permitted call."""
        if epoch != self._epoch:
            return
        if self._state is BreakerState.HALF_OPEN:
            self._enter(BreakerState.OPEN if failed else BreakerState.CLOSED)
            return
        self._results.append((self._clock(), failed))
        if failed and self._too_many_failures():
            self._enter(BreakerState.OPEN)

    def abandon(self, epoch: int) -> None:
        """Take back a permit without a result; a probe's place becomes free."""
        if epoch == self._epoch:
            self._probing = False

    def _too_many_failures(self) -> bool:
        since_s = self._clock() - self._settings.window_s
        recent = [failed for at_s, failed in self._results if at_s >= since_s]
        enough = len(recent) >= self._settings.minimum_calls
        return enough and sum(recent) >= self._settings.failure_rate * len(recent)

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._epoch += 1
        self._probing = False
        self._results.clear()
        if state is BreakerState.OPEN:
            self._opened_s = self._clock()
        if self._on_change is not None:
            self._on_change(state)
