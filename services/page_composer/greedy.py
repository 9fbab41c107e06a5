"""Lazy greedy over one pool (Minoux 1978): the next best candidate without looking at most of them.

Plain floats, not arrays: a slot needs a handful of evaluations, and NumPy's cost a call is higher than all of them
together.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log1p

from services.page_composer.objective import Objective


@dataclass
class Tally:
    """An objective's numbers and a page's mass as plain lists; the same numbers as the arrays they come from."""

    worth: list[float]
    codes: list[list[int]]
    scales: list[float]
    """Of each facet: weight times saturation, which is what h is counted in."""
    saturation: float
    mass: list[float]

    @classmethod
    def of(cls, objective: Objective) -> "Tally":
        """The tally of an empty page."""
        return cls(
            objective.worth.tolist(),
            objective.codes.tolist(),
            (objective.facet_weights * objective.saturation).tolist(),
            objective.saturation,
            [0.0] * objective.value_count,
        )

    def gain(self, position: int, exposure: float) -> float:
        """What a candidate would add in a slot."""
        saturation, mass = self.saturation, self.mass
        gain = exposure * self.worth[position]
        for code, scale in zip(self.codes[position], self.scales, strict=True):
            gain += scale * log1p(exposure / (saturation + mass[code]))
        return gain

    def density(self, position: int) -> float:
        """The gain by unit of exposure to the first order: a bound of all gains from now on."""
        saturation, mass = self.saturation, self.mass
        density = self.worth[position]
        for code, scale in zip(self.codes[position], self.scales, strict=True):
            density += scale / (saturation + mass[code])
        return density

    def show(self, position: int, exposure: float) -> None:
        """Count a candidate in a slot; a negative exposure takes it away."""
        for code in self.codes[position]:
            self.mass[code] += exposure


@dataclass
class LazyPool:
    """A pool's free candidates in a heap by the newest known bound of their density."""

    tally: Tally
    heap: list[tuple[float, int]] = field(default_factory=list)
    """(−bound, position); of equal bounds the lower position comes first."""

    @classmethod
    def of(cls, tally: Tally, positions: Sequence[int], densities: Sequence[float]) -> "LazyPool":
        """The pool of these candidates, with bounds of their densities."""
        heap = [(-density, position) for position, density in zip(positions, densities, strict=True)]
        heapq.heapify(heap)
        return cls(tally, heap)

    def __len__(self) -> int:
        return len(self.heap)

    def __iter__(self) -> Iterator[int]:
        return (position for _, position in self.heap)

    def take_best(self, exposure: float) -> int | None:
        """Remove and return the candidate that adds most in a slot; None when the pool is empty."""
        best, best_gain = None, float("-inf")
        looked_at: list[tuple[float, int]] = []
        while self.heap and -self.heap[0][0] * exposure > best_gain:
            _, position = heapq.heappop(self.heap)
            density = self.tally.density(position)
            looked_at.append((-density, position))
            if density * exposure > best_gain and (gain := self.tally.gain(position, exposure)) > best_gain:
                best, best_gain = position, gain
        for entry in looked_at:
            if entry[1] != best:
                heapq.heappush(self.heap, entry)
        return best

    def keep(self, allowed: frozenset[int]) -> None:
        """Forget candidates that are no longer allowed."""
        self.heap = [entry for entry in self.heap if entry[1] in allowed]
        heapq.heapify(self.heap)
