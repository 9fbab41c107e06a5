"""Trousers and jeans."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, stitches, trim, trim_colour
from lab.boutique.drawing.outline import Path, mirror
from lab.boutique.palette import darker


def trousers(canvas: Canvas, look: Look) -> None:
    """Trousers: narrow when slim, wide-legged when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    waist, hip = 12.5 + rng.uniform(-0.5, 1), 15.5 + 2.5 * full
    ankle_in, ankle_out = 3.2 - 1.0 * full, 11.0 + 11.0 * full
    bottom = 84 + 5 * rng.random()
    path = Path(50, 16).to((50 + waist, 15)).bend((50 + hip, 26), (50 + hip + 0.5, 36))
    path.bend((50 + hip + 1 + 2 * full, 60), (50 + ankle_out, bottom)).to((50 + ankle_in + 0.8, bottom + 1))
    path.bend((50 + 3.0, 60), (50, 43))
    outline = path.mirrored()
    canvas.hanging_shadow(outline)
    crease = np.array([(50 + (ankle_in + ankle_out) / 2 * 0.85, 30), (50 + (ankle_in + ankle_out) / 2, bottom - 2)])
    knee = np.array([(53.0, 47.0), (60.0, 52.0)])
    shading = Shading(relief=0.75, folds=(crease, mirror(crease), knee, mirror(knee)))
    canvas.part(outline, fabric(look, 0.9), shading, darker(look.base, 0.38))
    band = (
        Path(50, 13.5).to((50 + waist - 0.3, 12.5), (50 + waist + 0.9, 18)).bend((50 + 6, 19.6), (50, 19.6)).mirrored()
    )
    canvas.part(band, trim_colour(look) if look.ornament > 0.4 else darker(look.base, 0.14))
    canvas.line(np.array([(50, 19.5), (50, 35)]), darker(look.base, 0.35), 0.7)
    canvas.dots(np.array([(50.0, 16.5)]), look.metal, 2.4)
    for sign in (-1, 1):
        pocket = np.array([(50 + sign * (waist - 4), 20), (50 + sign * (hip - 1), 29)])
        canvas.line(pocket, darker(look.base, 0.38), 0.8)
        if look.ornament > -0.2:
            stitches(canvas, pocket + np.array([sign * -1.1, 0.6]), trim_colour(look))
    cuff = np.array([(50 + ankle_in + 0.8, bottom), (50 + ankle_out, bottom - 0.6)])
    trim(canvas, look, cuff, mirror(cuff)[::-1])
    if look.ornament > 0.3:  # a stripe down the side
        side = Path(50 + hip - 1.5, 34).bend((50 + hip - 1 + 2 * full, 60), (50 + ankle_out - 2, bottom - 2)).points()
        for line in (side, mirror(side)):
            canvas.line(line, trim_colour(look), 1.4)
    embroidery(canvas, look, (50 + ankle_out - 5, bottom - 7), (50 - ankle_out + 5, bottom - 7))
