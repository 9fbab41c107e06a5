"""Kinds of plots that several reports have: figures with intervals, and points with names that do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from lab.reporting.drawing import COLOURS, FAINT, INK

ROW_HEIGHT = 0.24
"""Inches of a name beside an axis."""
_DISTANCES = (5.0, 11.0, 18.0, 27.0, 38.0, 50.0)
_DIRECTIONS = ((1.0, 0.0), (-1.0, 0.0), (0.6, 1.0), (0.6, -1.0), (-0.6, 1.0), (-0.6, -1.0), (0.0, 1.3), (0.0, -1.3))
_LABEL_SIZE = 7


@dataclass(frozen=True)
class Whisker:
    """A figure with its interval."""

    name: str
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, name: str, found: dict[str, Any]) -> "Whisker":
        """From plain numbers, where the figure is called `mean` or `value`; without an interval it is a point."""
        mean = found["mean"] if "mean" in found else found["value"]
        low, high = (mean if found.get(each) is None else found[each] for each in ("low", "high"))
        return cls(name, mean, low, high)


@dataclass(frozen=True)
class Spot:
    """A named place in a plot."""

    name: str
    x: float
    y: float


def whiskers(rows: Sequence[Whisker], axes: Axes, line: float | None = None) -> bool:
    """A dot with its interval for each, the first on top; `line` is where nothing would be gained or lost."""
    tall = max(ROW_HEIGHT * len(rows) + 0.8, 1.4)
    axes.figure.set_size_inches(axes.figure.get_size_inches()[0], tall)  # type: ignore[union-attr]  # a whole figure
    for place, row in enumerate(reversed(rows)):
        axes.hlines(place, row.low, row.high, color=COLOURS[0], linewidth=2.5, alpha=0.6)
        axes.plot([row.mean], [place], "o", color=COLOURS[0])
    if line is not None:
        axes.axvline(line, color=INK, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(rows)), [row.name for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    return bool(rows)


def spots(points: Sequence[Spot], axes: Axes) -> None:
    """Dots with their names, each where it covers neither another name nor a dot; call it when the axes are set."""
    for number, point in enumerate(points):
        axes.plot(point.x, point.y, "o", color=COLOURS[number % len(COLOURS)])
    figure = axes.get_figure()
    assert isinstance(figure, mpl.figure.Figure)
    figure.draw_without_rendering()  # places are known once the layout is
    scale = figure.dpi / 72.0
    places = axes.transData.transform([(point.x, point.y) for point in points]).reshape(-1, 2)
    taken = [Bbox.from_bounds(x - 3 * scale, y - 3 * scale, 6 * scale, 6 * scale) for x, y in places]
    for point, place in sorted(zip(points, places, strict=True), key=lambda each: -each[1][1]):
        size = np.array((0.62 * _LABEL_SIZE * len(point.name), 1.25 * _LABEL_SIZE)) * scale
        shift, box = _free(place, size, taken, axes.bbox, scale)
        taken.append(box)
        arrow = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.7} if np.abs(shift).max() > 12.0 else None
        side = "left" if shift[0] > 0 else "right" if shift[0] < 0 else "center"
        axes.annotate(
            point.name, (point.x, point.y), tuple(shift), textcoords="offset points", fontsize=_LABEL_SIZE,
            ha=side, va="center", arrowprops=arrow,
        )  # fmt: skip


def _free(
    place: np.ndarray, size: np.ndarray, taken: Sequence[Bbox], inside: Bbox, scale: float
) -> tuple[np.ndarray, Bbox]:
    """The nearest shift in points, and the box there, that covers least."""
    best, best_cost = (np.array((5.0, 0.0)), Bbox.from_bounds(*place, *size)), np.inf
    for distance, direction in product(_DISTANCES, _DIRECTIONS):
        shift = distance * np.array(direction)
        corner = place + shift * scale - size * np.array((0.5 - 0.5 * np.sign(direction[0]), 0.5))
        box = Bbox.from_bounds(*corner, *size)
        cost = sum(_common(box, each) for each in taken) + (_area(box) - _common(box, inside))
        if cost < best_cost:
            best, best_cost = (shift, box), cost
        if cost <= 0.0:
            break
    return best


def _common(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return _area(both) if both is not None else 0.0


def _area(box: Bbox) -> float:
    return float(box.width * box.height)


def reliability(bins: Sequence[dict[str, Any]], axes: Axes) -> bool:
    """What was said against what happened, a dot a bin, larger for more rows; on the diagonal is right."""
    if not bins:
        return False
    said, happened = ([each[name] for each in bins] for name in ("said", "happened"))
    most = max(*said, *happened) * 1.08
    axes.plot([0, most], [0, most], color=INK, linewidth=0.8, linestyle="--", label="as said")
    counts = np.array([each["count"] for each in bins], float)
    axes.vlines(said, [each["low"] for each in bins], [each["high"] for each in bins], color=COLOURS[0], alpha=0.6)
    axes.scatter(said, happened, s=12.0 + 90.0 * counts / counts.max(), color=COLOURS[0], zorder=3, label="a bin")
    axes.set(xlabel="probability said", ylabel="share that happened")
    axes.set_xlim(0, most)
    axes.set_ylim(bottom=0)
    return True
