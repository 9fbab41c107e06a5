"""Backdrops: what stands behind the product. The mood decides: cool studio, plain room, or warm niche."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from lab.boutique.drawing.canvas import LARGE, UNIT
from lab.boutique.palette import Rgb, darker, mix, rgb

COOL, PLAIN, WARM = rgb("#d3e0ea"), rgb("#f1efeb"), rgb("#f1d9b2")
LEVELS = 12
"""Moods are drawn in this many steps on either side of zero, so that a worker keeps every backdrop it has drawn."""


def backdrop(mood: float, variation: int) -> Image.Image:
    """The backdrop of a mood (−1 to 1), in one of three variations; [LARGE, LARGE] RGB."""
    return _drawn(round(float(np.clip(mood, -1, 1)) * LEVELS), variation % 3)


@lru_cache(maxsize=128)
def _drawn(level: int, variation: int) -> Image.Image:
    mood = level / LEVELS
    wall = mix(PLAIN, WARM if mood > 0 else COOL, min(1.0, abs(mood) * 1.1))
    rows = np.linspace(0, 1, LARGE, dtype=np.float32)[:, None, None]
    graded = np.array(wall, dtype=np.float32) * (1.015 - 0.05 * rows)
    picture = Image.fromarray(np.clip(np.broadcast_to(graded, (LARGE, LARGE, 3)), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    if mood < 0:
        _studio(draw, wall, -mood, variation)
    else:
        _niche(draw, wall, mood, variation)
    return picture


def _studio(draw: ImageDraw.ImageDraw, wall: Rgb, strength: float, variation: int) -> None:
    """A pale disc or slanted panel: modern, cool."""
    panel = mix(wall, rgb("#b7cbdc"), 0.2 + 0.55 * strength)
    if variation == 0:
        _ellipse(draw, 50, 48, 84, panel)
    elif variation == 1:
        draw.polygon(_scaled([(58, 0), (100, 0), (100, 100), (26, 100)]), fill=panel)
    else:
        draw.rectangle(_corners(0, 0, 34, 100), fill=panel)
        _ellipse(draw, 72, 30, 40, panel)


def _niche(draw: ImageDraw.ImageDraw, wall: Rgb, strength: float, variation: int) -> None:
    """An arch, panelling or a papered wall over a board: vintage, warm."""
    panel = mix(wall, rgb("#dcb27c"), 0.12 + 0.42 * strength)
    if variation == 0:
        draw.rectangle(_corners(14, 48, 86, 100), fill=panel)
        _ellipse(draw, 50, 48, 72, panel)
    elif variation == 1:
        for left in range(0, 100, 10):
            draw.rectangle(_corners(left, 0, left + 5, 100), fill=panel)
    else:
        for x in range(6, 104, 11):
            for y in range(6, 104, 11):
                dx = 5.5 if (y // 11) % 2 else 0
                draw.polygon(
                    _scaled([(x + dx, y - 3), (x + dx + 2.2, y), (x + dx, y + 3), (x + dx - 2.2, y)]), fill=panel
                )
    if strength > 0.3:
        board = mix(panel, rgb("#a9713f"), 0.35 + 0.4 * strength)
        draw.rectangle(_corners(0, 91, 100, 100), fill=board)
        draw.rectangle(_corners(0, 91, 100, 91.8), fill=darker(board, 0.18))


def _ellipse(draw: ImageDraw.ImageDraw, x: float, y: float, diameter: float, colour: Rgb) -> None:
    draw.ellipse(_corners(x - diameter / 2, y - diameter / 2, x + diameter / 2, y + diameter / 2), fill=colour)


def _corners(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return left * UNIT, top * UNIT, right * UNIT, bottom * UNIT


def _scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * UNIT, y * UNIT) for x, y in points]
