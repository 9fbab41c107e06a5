"""The canvas: flat parts at three times the final size, light at the final size.

Flat colour, patterns and lines need fine edges; light is soft. So parts are painted large and reduced once at the end,
while the light is an array of multipliers at the final size, which costs a ninth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from lab.boutique.drawing.outline import Points
from lab.boutique.palette import Rgb, darker

SIZE = 192
"""Side of a finished picture in pixels."""
SCALE = 3
LARGE = SIZE * SCALE
UNIT = LARGE / 100

Light = NDArray[np.floating[Any]]  # [SIZE, SIZE]


@dataclass(frozen=True)
class Shading:
    """How light falls on a part."""

    relief: float = 0.5
    """Strength of the light edge to the upper left and the dark edge to the lower right."""
    softness: float = 5.0
    """Blur of that edge in final pixels: larger looks rounder."""
    round_across: float = 0.0
    """0 flat; 1 a standing cylinder, dark at both sides."""
    gloss: float = 0.0
    """A bright band along the left third, 0 to 1."""
    folds: tuple[Points, ...] = ()
    """Soft dark creases."""
    fold_depth: float = 0.18


CLOTH = Shading()
FLAT = Shading(relief=0.0)


class Canvas:
    """A picture being drawn."""

    def __init__(self, backdrop: Image.Image, stretch: float = 1.0) -> None:
        """Begin on a backdrop ([LARGE, LARGE]); `stretch` widens all that is drawn, about the middle."""
        self._art = backdrop.copy()
        self._stretch = np.array([stretch, 1.0])
        self._light: Light = np.ones((SIZE, SIZE), dtype=np.float32)

    def part(self, outline: Points, fill: Rgb | Image.Image, shading: Shading = CLOTH, edge: Rgb | None = None) -> None:
        """Paint a closed outline with a colour or a fabric ([LARGE, LARGE] picture), light it, and draw its edge."""
        outline = self._placed(outline)
        window = _window(outline, margin=shading.softness * 2)
        left, top, right, bottom = (side * SCALE for side in window)
        mask = Image.new("L", (right - left, bottom - top))
        corners = [(x * UNIT - left, y * UNIT - top) for x, y in outline.tolist()]
        ImageDraw.Draw(mask).polygon(corners, fill=255)
        paint = fill.crop((left, top, right, bottom)) if isinstance(fill, Image.Image) else fill
        self._art.paste(paint, (left, top, right, bottom), mask)
        colour = edge or (darker(fill, 0.35) if isinstance(fill, tuple) else None)
        if colour is not None:
            self._stroke(np.concatenate([outline, outline[:2]]), colour, 0.55)
        cover = np.asarray(mask.reduce(SCALE), dtype=np.float32) / 255
        under = self._light[window[1] : window[3], window[0] : window[2]]
        under += (_lit(cover, shading, window) - under) * cover

    def line(self, points: Points, colour: Rgb, width: float) -> None:
        """A line with round joints; width in units."""
        self._stroke(self._placed(points), colour, width)

    def _placed(self, points: Points) -> Points:
        return np.asarray((points - 50) * self._stretch + 50)

    def _stroke(self, points: Points, colour: Rgb, width: float) -> None:
        draw = ImageDraw.Draw(self._art)
        corners = [(x * UNIT, y * UNIT) for x, y in points.tolist()]
        draw.line(corners, fill=colour, width=max(1, round(width * UNIT)), joint="curve")

    def dots(self, centres: Points, colour: Rgb, diameter: float) -> None:
        """Small discs, unlit."""
        draw = ImageDraw.Draw(self._art)
        radius = diameter * UNIT / 2
        for x, y in (self._placed(centres) * UNIT).tolist():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def patch(self, outline: Points, colour: Rgb) -> None:
        """A closed outline painted flat, which takes the light of what lies under it."""
        corners = [(x * UNIT, y * UNIT) for x, y in self._placed(outline).tolist()]
        ImageDraw.Draw(self._art).polygon(corners, fill=colour)

    def shade(self, outline: Points, strength: float, blur: float = 2.0) -> None:
        """Darken (or, below zero, brighten) softly inside an outline, whatever lies there."""
        self._light *= 1 - strength * soft_mask(self._placed(outline), blur)

    def ground_shadow(self, x: float, y: float, width: float, strength: float = 0.34) -> None:
        """A soft contact shadow under something that stands at (x, y)."""
        mask = Image.new("L", (SIZE, SIZE))
        unit = SIZE / 100
        box = ((x - width / 2) * unit, (y - 2.6) * unit, (x + width / 2) * unit, (y + 2.6) * unit)
        ImageDraw.Draw(mask).ellipse(box, fill=255)
        soft = mask.filter(ImageFilter.GaussianBlur(4.5))
        self._light *= 1 - strength * np.asarray(soft, dtype=np.float32) / 255

    def hanging_shadow(self, outline: Points, strength: float = 0.2) -> None:
        """The soft shadow of something that hangs or lies close to the backdrop."""
        self._light *= 1 - strength * soft_mask(self._placed(outline) + np.array([1.2, 2.4]), 5.0)

    def finished(self, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Image.Image:
        """The picture at its final size, [SIZE, SIZE] RGB; `tint` multiplies its channels."""
        flat = np.asarray(self._art.reduce(SCALE), dtype=np.float32) * np.array(tint, dtype=np.float32)
        bright = np.maximum(self._light - 1, 0)[..., None]
        lit = flat * np.clip(self._light, 0, 1)[..., None]
        lit += (255 - lit) * np.minimum(bright, 1)
        return Image.fromarray(lit.astype(np.uint8))


def soft_mask(outline: Points, blur: float) -> Light:
    """An outline's inside as a blurred mask, [SIZE, SIZE] of 0 to 1."""
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).polygon([(x * SIZE / 100, y * SIZE / 100) for x, y in outline.tolist()], fill=255)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32) / 255


Window = tuple[int, int, int, int]  # left, top, right, bottom in final pixels


def _window(outline: Points, margin: float) -> Window:
    """The pixels that an outline and the blur around it can touch."""
    (left, top), (right, bottom) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
    left, top = (min(max(int(low * SIZE / 100 - margin), 0), SIZE - 2) for low in (left, top))
    right, bottom = (min(int(high * SIZE / 100 + margin) + 1, SIZE) for high in (right, bottom))
    return left, top, max(right, left + 2), max(bottom, top + 2)


def _lit(cover: Light, shading: Shading, window: Window) -> Light:
    light = np.ones_like(cover)
    if shading.relief > 0:
        light += _relief(cover, shading)
    columns = np.flatnonzero(cover.max(axis=0) > 0.5)
    if columns.size and (shading.round_across > 0 or shading.gloss > 0):
        across = (np.arange(cover.shape[1], dtype=np.float32) - columns[0]) / max(np.ptp(columns), 1) * 2 - 1
        light -= shading.round_across * 0.36 * np.abs(across + 0.25)[None, :] ** 2.2
        light += shading.gloss * 0.42 * np.exp(-(((across + 0.5) / 0.13) ** 2))[None, :]
    if shading.relief > 0:
        light += np.linspace(0.05, -0.05, cover.shape[0], dtype=np.float32)[:, None]
    if shading.folds:
        light -= shading.fold_depth * _folds(shading.folds, window)
    return np.asarray(light, dtype=np.float32)


def _relief(cover: Light, shading: Shading) -> Light:
    picture = Image.fromarray((cover * 255).astype(np.uint8))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(shading.softness)), dtype=np.float32) / 255
    shift = max(1, round(shading.softness * 0.6))
    edge = np.roll(soft, (-shift, -shift), (0, 1)) - np.roll(soft, (shift, shift), (0, 1))
    return np.clip(edge, -0.62, 0.3) * np.float32(shading.relief)


def _folds(folds: tuple[Points, ...], window: Window) -> Light:
    left, top, right, bottom = window
    mask = Image.new("L", (right - left, bottom - top))
    draw = ImageDraw.Draw(mask)
    for fold in folds:
        corners = [(x * SIZE / 100 - left, y * SIZE / 100 - top) for x, y in fold.tolist()]
        draw.line(corners, fill=255, width=3, joint="curve")
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(1.6)), dtype=np.float32) / 255
