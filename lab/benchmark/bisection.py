"""Looks for the highest load that is sustained: short runs between bounds, then a long one to confirm it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Tried(Protocol):
    """What became of a run at one load."""

    @property
    def sustained(self) -> bool:
        """Whether every call was answered in full and in time."""


Try = Callable[[float, float], Awaitable[Tried]]
"""Makes a run of (rate a second, seconds)."""


@dataclass(frozen=True)
class Search:
    """How the highest load is looked for."""

    short_seconds: float = 10.0
    confirm_seconds: float = 60.0
    lowest: float = 0.4
    highest: float = 1.1
    """Bounds, as shares of what a closed loop reaches."""
    steps: int = 4
    """Halvings of what is between the bounds: four leave a twentieth of it."""
    step_down: Sequence[float] = (1.0, 0.93, 0.85, 0.7)
    """Shares of what the short runs found, confirmed one after the other until one is sustained."""


@dataclass
class Found:
    """The runs that were made, and the rate that was confirmed."""

    short: list[Any] = field(default_factory=list)
    confirmations: list[Any] = field(default_factory=list)
    rate: float | None = None
    """None when none was."""

    @property
    def confirmed(self) -> Any | None:
        """The long run at the highest load."""
        return self.confirmations[-1] if self.rate is not None else None


async def highest_load(run: Try, most: float, search: Search) -> Found:
    """Find the highest load below and around `most`, the rate of a closed loop."""
    found = Found()
    low, high = most * search.lowest, most * search.highest
    for _ in range(search.steps):
        middle = (low + high) / 2.0
        tried = await run(middle, search.short_seconds)
        found.short.append(tried)
        low, high = (middle, high) if tried.sustained else (low, middle)
    for share in search.step_down:
        tried = await run(low * share, search.confirm_seconds)
        found.confirmations.append(tried)
        if tried.sustained:
            found.rate = low * share
            return found
    return found
