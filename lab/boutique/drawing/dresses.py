"""Dresses and skirts."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, trim
from lab.boutique.drawing.outline import Path, Points, mirror
from lab.boutique.palette import darker


def dress(canvas: Canvas, look: Look) -> None:
    """A dress with a round, pointed or square neckline, with or without sleeves."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    waist, hem = 9.0 + 4.5 * full, 14.0 + 19.0 * full + rng.uniform(-2, 2)
    length = 80 + 8 * rng.random()
    neckline = ("round", "pointed", "square")[rng.integers(3)]
    neck = 7.5 + rng.uniform(-1.0, 1.5)
    path = _neckline(neckline, neck)
    path.to((50 + neck + 6, 14.5)).bend((50 + neck + 4.5, 27), (50 + 13.5 + 2 * full, 31))
    path.bend((50 + waist + 1, 38), (50 + waist, 46)).bend((50 + waist + 4 + 7 * full, 56), (50 + hem, length))
    path.bend((50 + hem * 0.5, length + 4), (50, length + 4))
    outline = path.mirrored()
    cloth, edge = fabric(look), darker(look.base, 0.35)
    canvas.hanging_shadow(outline)
    sleeve_length = rng.choice([0.0, 11.0, 27.0], p=[0.4, 0.35, 0.25])
    if sleeve_length:
        _sleeves(canvas, look, neck, float(sleeve_length), full)
    canvas.part(outline, cloth, Shading(folds=_skirt_folds(46, length, waist, hem), relief=0.6), edge)
    belt = np.array([(50 - waist, 46), (50, 47.4), (50 + waist, 46)])
    canvas.line(belt, darker(look.base, 0.25), 0.8)
    if look.ornament > 0.0:
        canvas.line(belt, look.metal if look.ornament > 0.5 else look.accent, 1.8)
    bottom = np.array(
        [
            (50 - hem, length),
            (50 - hem * 0.5, length + 3.0),
            (50, length + 4),
            (50 + hem * 0.5, length + 3.0),
            (50 + hem, length),
        ]
    )
    trim(canvas, look, bottom, _whole(_neckline(neckline, neck).points()))
    embroidery(canvas, look, (42, length - 8), (58, length - 8), (50, length - 10), (50, 38))


def skirt(canvas: Canvas, look: Look) -> None:
    """A skirt: a pencil skirt when slim, a circle skirt when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    waist, hem = 13.5 + rng.uniform(-1, 1), 16.0 + 22 * full
    length = 70 + 14 * rng.random()
    path = Path(50, 21).to((50 + waist, 20)).bend((50 + waist + 3 + 4 * full, 38), (50 + hem, length))
    path.bend((50 + hem * 0.5, length + 5), (50, length + 5))
    outline = path.mirrored()
    canvas.hanging_shadow(outline)
    canvas.part(
        outline, fabric(look), Shading(folds=_skirt_folds(26, length, waist, hem), relief=0.6), darker(look.base, 0.35)
    )
    band = Path(50, 17).to((50 + waist, 16), (50 + waist + 0.5, 22)).bend((50 + waist / 2, 23.6), (50, 23.6)).mirrored()
    canvas.part(band, look.accent if look.ornament > 0.15 else darker(look.base, 0.12))
    if look.ornament > 0.15:
        canvas.dots(np.array([(50.0, 20.0)]), look.metal, 3.0)
    bottom = np.array(
        [
            (50 - hem, length),
            (50 - hem * 0.5, length + 3.8),
            (50, length + 5),
            (50 + hem * 0.5, length + 3.8),
            (50 + hem, length),
        ]
    )
    trim(canvas, look, bottom)
    embroidery(canvas, look, (38, length - 7), (50, length - 4), (62, length - 7))


def _neckline(kind: str, neck: float) -> Path:
    if kind == "pointed":
        return Path(50, 27).to((50 + neck, 13))
    if kind == "square":
        return Path(50, 22).to((50 + neck - 1, 22), (50 + neck, 13))
    return Path(50, 21.5).bend((50 + neck - 1, 21.5), (50 + neck, 13))


def _whole(half: Points) -> Points:
    return np.concatenate([mirror(half)[::-1], half])


def _sleeves(canvas: Canvas, look: Look, neck: float, length: float, full: float) -> None:
    right = 50 + neck + 6
    wide = 6.0 + 3.5 * full
    path = Path(right - 3, 14).bend((right + 6, 16), (right + 3 + length * 0.42, 17 + length))
    path.to((right + 3 + length * 0.42 - wide, 19 + length)).bend((right, 30), (right - 2, 31))
    cuff = path.points()[14:16]
    for side in (path.points(), mirror(path.points())):
        canvas.part(side, fabric(look), Shading(relief=0.5), darker(look.base, 0.35))
    trim(canvas, look, cuff, mirror(cuff))


def _skirt_folds(top: float, bottom: float, waist: float, hem: float) -> tuple[Points, ...]:
    return tuple(
        np.array([(50 + waist * share * 0.7, top + 2), (50 + hem * share * 0.8, bottom - 1)])
        for share in (-0.8, -0.35, 0.15, 0.6, 0.9)
    )
