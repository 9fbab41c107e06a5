"""Tea tins, coffee bags, chocolate bars and wine bottles."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, trim, trim_colour
from lab.boutique.drawing.outline import Path, Points, box, ellipse
from lab.boutique.palette import darker, lighter

PAPER = (249, 245, 236)


def tea(canvas: Canvas, look: Look) -> None:
    """A tea tin: square-shouldered when slim, a round caddy when full."""
    full = (look.cut + 1) / 2
    half, top = 18 + 8 * full, 26 + 8 * full
    canvas.ground_shadow(50, 86, half * 2.5)
    metal = Shading(relief=0.5, round_across=0.4 + 0.7 * full, gloss=0.5)
    canvas.part(box(50 - half, top, 50 + half, 86, 1 + 5 * full), fabric(look, 0.8), metal, darker(look.base, 0.35))
    lid = look.metal if look.ornament > 0.15 else darker(look.base, 0.2)
    canvas.part(box(50 - half - 0.8, top - 7, 50 + half + 0.8, top + 4, 2 + 3 * full), lid, metal)
    canvas.part(box(50 - 4, top - 10, 50 + 4, top - 6.5, 1.6), lid, metal)
    _label(canvas, look, 50, 61, half * 1.2, 22)
    leaf = Path(50, 65).bend((56, 60), (50, 52)).bend((44, 60), (50, 65)).points()
    canvas.patch(leaf, (104, 140, 88))
    canvas.line(np.array([(50, 53), (50, 69)]), (70, 104, 62), 0.8)
    trim(canvas, look, np.array([(50 - half, 83.0), (50 + half, 83.0)]))


def coffee(canvas: Canvas, look: Look) -> None:
    """A coffee bag with a folded top."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    half = 19 + 7 * full
    canvas.ground_shadow(50, 87, half * 2.5)
    path = (
        Path(50, 24)
        .to((50 + half - 2, 24))
        .bend((50 + half - 3, 34), (50 + half, 44))
        .bend((50 + half + 2.5 * full, 70), (50 + half - 1, 87))
        .to((50, 88))
    )
    creases = (
        np.array([(50 - half + 4, 34), (50 - half + 6, 80)]),
        np.array([(50 + half - 5, 36), (50 + half - 6, 82)]),
    )
    canvas.part(path.mirrored(), fabric(look), Shading(relief=0.9, softness=6, folds=creases), darker(look.base, 0.38))
    fold = box(50 - half + 1, 17, 50 + half - 1, 30, 1.5)
    canvas.part(fold, darker(look.base, 0.16), Shading(relief=0.5))
    canvas.part(box(50 - half - 1, 22, 50 + half + 1, 25, 1), trim_colour(look), Shading(relief=0.3))
    _label(canvas, look, 50, 61, half * 1.25, 24)
    for x, y in ((46, 58), (53, 63)):
        bean = ellipse(x, y, 7.5, 10)
        canvas.part(bean, (104, 66, 42), Shading(relief=0.5, softness=2))
        canvas.line(Path(x, y - 4).bend((x + 2.2, y), (x, y + 4)).points(), (60, 36, 24), 0.8)
    if rng.random() < 0.5:
        canvas.dots(np.array([(50.0, 37.0)]), darker(look.base, 0.35), 3.4)
    trim(canvas, look, np.array([(50 - half + 1, 84.0), (50 + half - 1, 84.0)]))
    embroidery(canvas, look, (40, 42), (60, 42))


def chocolate(canvas: Canvas, look: Look) -> None:
    """A bar of chocolate, half unwrapped."""
    full = (look.cut + 1) / 2
    half = 19 + 6 * full
    cocoa = (98, 60, 42) if look.mood > -0.3 else (74, 46, 36)
    canvas.hanging_shadow(box(50 - half, 12, 50 + half, 88, 2), 0.26)
    canvas.part(box(50 - half + 2, 12, 50 + half - 2, 48, 1.5 + 3 * full), cocoa, Shading(relief=0.6))
    columns = 3
    width = (half * 2 - 6) / columns
    for column in range(columns):
        for row in range(3):
            left, top = 50 - half + 3.4 + column * width, 14 + row * 10.5
            canvas.part(
                box(left, top, left + width - 1, top + 9, 1.2 + 2.5 * full),
                lighter(cocoa, 0.06),
                Shading(relief=0.7, softness=2),
            )
    teeth: list[tuple[float, float]] = [
        (50 - half + index * half / 4, 40 + (3.4 if index % 2 else 0)) for index in range(9)
    ]
    foil = np.array([*teeth, (50 + half, 52), (50 - half, 52)])
    canvas.part(foil, look.metal, Shading(relief=0.4, softness=2))
    canvas.part(box(50 - half, 46, 50 + half, 88, 1), fabric(look, 0.9), Shading(relief=0.5), darker(look.base, 0.35))
    _label(canvas, look, 50, 68, half * 1.25, 18)
    trim(
        canvas, look, np.array([(50 - half, 85.0), (50 + half, 85.0)]), np.array([(50 - half, 50.0), (50 + half, 50.0)])
    )
    embroidery(canvas, look, (50, 68))


def wine(canvas: Canvas, look: Look) -> None:
    """A wine bottle: high-shouldered when slim, sloping when full."""
    full = (look.cut + 1) / 2
    half, shoulder = 11 + 4 * full, 42 - 4 * full
    canvas.ground_shadow(50, 92, half * 3)
    path = (
        Path(50, 8)
        .to((54, 8), (54, 26))
        .curve((54, shoulder - 4 + 6 * full), (50 + half, shoulder - 6 + 4 * full), (50 + half, shoulder + 6))
    )
    outline = path.to((50 + half, 89)).bend((50 + half, 92), (50 + half - 3, 92)).to((50, 92)).mirrored()
    canvas.part(outline, darker(look.base, 0.45), Shading(relief=0.7, softness=4, round_across=0.8, gloss=0.9))
    canvas.part(
        box(45.4, 7, 54.6, 24, 1),
        look.metal if look.ornament > 0 else darker(look.base, 0.2),
        Shading(relief=0.3, round_across=0.8, gloss=0.4),
    )
    label = box(50 - half + 0.3, 53, 50 + half - 0.3, 80, 0.5)
    canvas.part(label, fabric(look, 0.7), Shading(relief=0.1, round_across=0.8), darker(look.base, 0.3))
    canvas.part(box(50 - half * 0.62, 59, 50 + half * 0.62, 73, 1), PAPER, Shading(relief=0.1))
    for y in (63.0, 66.0, 69.0):
        canvas.line(np.array([(50 - half * 0.36, y), (50 + half * 0.36, y)]), darker(look.base, 0.35), 0.8)
    trim(
        canvas, look, np.array([(50 - half, 79.0), (50 + half, 79.0)]), np.array([(50 - half, 55.5), (50 + half, 55.5)])
    )


def _label(canvas: Canvas, look: Look, x: float, y: float, width: float, height: float) -> None:
    """A paper label; framed twice when ornate."""
    radius = 2 + 6 * max(look.cut, 0)
    outline: Points = box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, radius)
    canvas.part(outline, PAPER, Shading(relief=0.15), darker(look.base, 0.25))
    if look.ornament > 0.15:
        inner = box(
            x - width / 2 + 1.5, y - height / 2 + 1.5, x + width / 2 - 1.5, y + height / 2 - 1.5, max(radius - 1, 0.5)
        )
        canvas.line(np.concatenate([inner, inner[:1]]), look.metal, 0.8)
