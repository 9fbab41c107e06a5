"""What a model reaches while it learns, on held-out items and on those that it learns from: over-fitting to see."""

import time
from dataclasses import dataclass

from lab.leaderboard.held_out import HeldOut, NextItemMeasure
from lab.leaderboard.model import Model


@dataclass(frozen=True)
class Point:
    """After an epoch: NDCG@10 of both."""

    epoch: int
    held_out: float
    training: float


class LearningCurve:
    """A measure that models which learn in epochs stop by, as ever, and that notes what it is told besides."""

    def __init__(self, held: HeldOut, seen: HeldOut) -> None:
        """Args:
        held: items that the model does not learn from; what is answered is of these alone.
        seen: items that it learns from.

        """
        self._held, self._seen = NextItemMeasure(held), NextItemMeasure(seen)
        self._curves: list[list[Point]] = []
        self._last: Model | None = None
        self.cpu_seconds = 0.0
        """Spent on what is noted: no part of the cost of training."""

    def __call__(self, model: Model) -> float:
        """NDCG@10 on held-out items."""
        value = self._held(model)
        started_s = time.process_time()
        self._note(model, value)
        self.cpu_seconds += time.process_time() - started_s
        return value

    def _note(self, model: Model, value: float) -> None:
        """Settings are tried one after another; a lower epoch, or else another model, begins a new curve."""
        told = int(getattr(model, "epochs", 0))
        begins = told <= self._curves[-1][-1].epoch if told and self._curves else model is not self._last
        if begins or not self._curves:
            self._curves.append([])
        curve, self._last = self._curves[-1], model
        curve.append(Point(told or len(curve) + 1, value, self._seen(model)))

    def best(self) -> list[Point]:
        """The curve with the highest point on held-out items: that of the chosen settings; empty without epochs."""
        return max(self._curves, key=lambda curve: max(point.held_out for point in curve), default=[])
