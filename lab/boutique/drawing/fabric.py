"""Fabrics: the pattern that fills a product, as a picture of the canvas's large size."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lab.boutique.drawing.canvas import LARGE, UNIT
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.outline import ellipse, turned
from lab.boutique.palette import Rgb, lighter, mix

Grid = NDArray[np.float64]


@lru_cache(maxsize=4)  # a silhouette asks for its fabric several times
def fabric(look: Look, scale: float = 1.0) -> Image.Image:
    """The look's pattern; `scale` above 1 makes the repeat larger."""
    rng = np.random.default_rng(look.shape_seed + 7)
    return PATTERNS[look.pattern](look, scale * rng.uniform(0.85, 1.2), rng)


def _plain(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (LARGE, LARGE), look.base)


def _striped(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    step = _pixels(7.0 * scale)
    phase = np.arange(step) / step
    direction = rng.choice(["across", "across", "down", "diagonal"])
    bands = {
        "across": phase[:, None],
        "down": phase[None, :],
        "diagonal": (phase[None, :] + phase[:, None]) % 1,
    }
    return _coloured(bands[str(direction)] < rng.uniform(0.3, 0.5), look.base, look.accent)


def _dotted(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    step = _pixels(7.5 * scale)
    x, y = _cell(step, step * 2)
    down = y * 2 % 1 - 0.5
    across = (x + np.floor(y * 2) * 0.5) % 1 - 0.5
    return _coloured(across**2 + down**2 < 0.25**2, look.base, look.accent)


def _checked(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    step = _pixels(9.0 * scale)
    x, y = _cell(step, step)
    index = (x < 0.5).astype(np.uint8) + (y < 0.5)
    if rng.random() < 0.5:  # a thin over-check, as on tartan
        index = np.where((np.abs(x - 0.75) < 0.04) | (np.abs(y - 0.75) < 0.04), 3, index)
    return _coloured(index, lighter(look.base, 0.35), look.base, mix(look.base, look.accent, 0.4), look.third)


def _zigzag(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    step = _pixels(9.0 * scale)
    x, y = _cell(step, step)
    phase = (y + np.abs(x - 0.5)) % 1
    index = (phase < 0.36).astype(np.uint8) + 2 * (np.abs(phase - 0.68) < 0.07)
    return _coloured(index, look.base, look.accent, look.third)


def _diamonds(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    step = _pixels(13.0 * scale)
    x, y = _cell(step, round(step * 1.35))
    across, down = np.abs(x - 0.5), np.abs(y - 0.5)
    index = np.where(np.abs(across - down) < 0.025, 2, across + down < 0.5)
    return _coloured(index, look.base, look.accent, look.third)


def _floral(look: Look, scale: float, rng: np.random.Generator) -> Image.Image:
    side = round(21 * scale * UNIT)
    tile = Image.new("RGB", (side, side), look.base)
    draw = ImageDraw.Draw(tile)
    leaf = mix(look.third, look.base, 0.25)
    for x, y, petal in ((0.27, 0.3, 0.125), (0.76, 0.76, 0.105), (0.74, 0.2, 0.06), (0.2, 0.8, 0.06)):
        degrees = float(rng.uniform(0, 72))
        for turn in (20, 160):
            blade = turned(ellipse(x + petal * 2.2, y, petal * 1.6, petal * 0.7, 14), degrees + turn, (x, y))
            draw.polygon([(a * side, b * side) for a, b in blade.tolist()], fill=leaf)
        for turn in range(0, 360, 72):
            blade = turned(ellipse(x + petal, y, petal * 1.5, petal * 1.15, 16), degrees + turn, (x, y))
            draw.polygon([(a * side, b * side) for a, b in blade.tolist()], fill=look.accent)
        heart = petal * 0.5 * side
        draw.ellipse((x * side - heart, y * side - heart, x * side + heart, y * side + heart), fill=look.third)
    return _tiled(tile)


PATTERNS: dict[str, Callable[[Look, float, np.random.Generator], Image.Image]] = {
    "plain": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
    "floral": _floral,
    "zigzag": _zigzag,
    "diamonds": _diamonds,
}


def _pixels(units: float) -> int:
    return max(4, round(units * UNIT))


def _cell(width: int, height: int) -> tuple[Grid, Grid]:
    """The coordinates of one repeat, 0 to 1, [1, width] and [height, 1]."""
    return (np.arange(width) / width)[None, :], (np.arange(height) / height)[:, None]


def _coloured(index: NDArray[Any], *colours: Rgb) -> Image.Image:
    """The picture of one repeat of colour numbers."""
    height, width = index.shape
    repeated = np.tile(index.astype(np.uint8), (-(-LARGE // height), -(-LARGE // width)))[:LARGE, :LARGE]
    picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(repeated, (LARGE, LARGE)))).convert("P")
    picture.putpalette([channel for colour in colours for channel in colour])
    return picture.convert("RGB")


def _tiled(tile: Image.Image) -> Image.Image:
    picture = Image.new("RGB", (LARGE, LARGE))
    for column, left in enumerate(range(0, LARGE, tile.width)):
        for top in range(-(column % 2) * tile.height // 2, LARGE, tile.height):
            picture.paste(tile, (left, top))
    return picture
