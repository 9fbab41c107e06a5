"""Outlines in picture units: x to the right and y down, 0 to 100."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # [n, 2]

CURVE_TIMES = np.linspace(0, 1, 14)[1:, None]  # at 192 px a curve of thirteen chords is smooth


class Path:
    """A line drawn step by step; every step returns the path."""

    def __init__(self, x: float, y: float) -> None:
        self._points: list[tuple[float, float]] = [(x, y)]

    def to(self, *corners: tuple[float, float]) -> Path:
        """Straight lines to each corner."""
        self._points.extend(corners)
        return self

    def bend(self, control: tuple[float, float], end: tuple[float, float]) -> Path:
        """A quadratic Bézier curve."""
        start = np.array(self._points[-1])
        t = CURVE_TIMES
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * np.array(control) + t**2 * np.array(end)
        self._points.extend(map(tuple, curve))
        return self

    def curve(self, first: tuple[float, float], second: tuple[float, float], end: tuple[float, float]) -> Path:
        """A cubic Bézier curve."""
        start = np.array(self._points[-1])
        t = CURVE_TIMES
        curve = (
            (1 - t) ** 3 * start
            + 3 * t * (1 - t) ** 2 * np.array(first)
            + 3 * t**2 * (1 - t) * np.array(second)
            + t**3 * np.array(end)
        )
        self._points.extend(map(tuple, curve))
        return self

    def points(self) -> Points:
        """The path so far, [n, 2]."""
        return np.array(self._points, dtype=np.float64)

    def mirrored(self) -> Points:
        """The closed outline of this right half and its mirror image at x = 50."""
        half = self.points()
        return np.concatenate([half, mirror(half)[::-1]])


def mirror(points: Points) -> Points:
    """Points reflected at x = 50."""
    return np.column_stack([100 - points[:, 0], points[:, 1]])


def ellipse(x: float, y: float, width: float, height: float, steps: int = 40) -> Points:
    """An ellipse around (x, y) with full width and height."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.column_stack([x + width / 2 * np.cos(angle), y + height / 2 * np.sin(angle)])


def arc(centre: tuple[float, float], size: tuple[float, float], degrees: tuple[float, float]) -> Points:
    """Part of an ellipse's line; degrees clockwise from the right."""
    angle = np.radians(np.linspace(degrees[0], degrees[1], 28))
    return np.column_stack([centre[0] + size[0] / 2 * np.cos(angle), centre[1] + size[1] / 2 * np.sin(angle)])


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Points:
    """A rectangle with rounded corners."""
    if radius <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    path = Path(left + radius, top).to((right - radius, top)).bend((right, top), (right, top + radius))
    path.to((right, bottom - radius)).bend((right, bottom), (right - radius, bottom))
    path.to((left + radius, bottom)).bend((left, bottom), (left, bottom - radius))
    return path.to((left, top + radius)).bend((left, top), (left + radius, top)).points()


def turned(points: Points, degrees: float, about: tuple[float, float] = (50.0, 50.0)) -> Points:
    """Points turned clockwise about a point."""
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned_points: Points = (points - np.array(about)) @ rotation + np.array(about)
    return turned_points


def along(points: Points, spacing: float) -> Points:
    """Points every `spacing` units along a line, its ends included."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    count = max(2, round(distance[-1] / spacing) + 1)
    at = np.linspace(0, distance[-1], count)
    return np.column_stack([np.interp(at, distance, points[:, 0]), np.interp(at, distance, points[:, 1])])
