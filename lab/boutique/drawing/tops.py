"""Shirts, blouses, T-shirts and jackets."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import buttons, embroidery, trim, trim_colour
from lab.boutique.drawing.outline import Path, Points, box, mirror
from lab.boutique.palette import darker, lighter


def tee(canvas: Canvas, look: Look) -> None:
    """A T-shirt, sometimes with a pocket."""
    rng = look.variations()
    body, sleeve = _torso(look, 82), _sleeve(look, 17, 42)
    cloth, edge = fabric(look), darker(look.base, 0.35)
    canvas.hanging_shadow(body)
    for side in (sleeve, mirror(sleeve)):
        canvas.part(side, cloth, Shading(relief=0.5), edge)
    canvas.part(body, cloth, Shading(folds=_creases(look)), edge)
    collar = _collar_line(29 if rng.random() < 0.3 else 25)
    canvas.line(collar, trim_colour(look) if look.ornament > -0.2 else darker(look.base, 0.2), 1.8)
    if rng.random() < 0.35:
        canvas.part(box(55, 36, 65, 47, 1.5), darker(look.base, 0.08))
    trim(canvas, look, _hem(look, 81))
    embroidery(canvas, look, (41, 38), (45, 41), (37, 41))


def shirt(canvas: Canvas, look: Look) -> None:
    """A buttoned shirt with a pointed collar and long sleeves."""
    body, sleeve = _torso(look, 84), _sleeve(look, 50, 72)
    cloth, edge = fabric(look, 0.85), darker(look.base, 0.35)
    canvas.hanging_shadow(body)
    for side in (sleeve, mirror(sleeve)):
        canvas.part(side, cloth, Shading(relief=0.55), edge)
        cuff = _cuff(sleeve)
        canvas.part(
            cuff if side is sleeve else mirror(cuff),
            trim_colour(look) if look.ornament > 0.15 else darker(look.base, 0.08),
        )
    canvas.part(body, cloth, Shading(folds=_creases(look)), edge)
    canvas.part(box(48, 24, 52, 84), cloth, Shading(relief=0.25), darker(look.base, 0.2))
    wing = Path(50, 25).to((43, 32), (38.5, 17)).bend((44, 14), (50, 25)).points()
    for side in (wing, mirror(wing)):
        canvas.part(side, trim_colour(look) if look.ornament > 0.45 else lighter(look.base, 0.12), edge=edge)
    buttons(canvas, look, np.array([(50.0, 31.0), (50.0, 79.0)]))
    trim(canvas, look, _hem(look, 83))
    embroidery(canvas, look, (40, 40), (60, 40), (40, 47), (60, 47))


def blouse(canvas: Canvas, look: Look) -> None:
    """A blouse with gathered sleeves and a soft neckline."""
    full = (look.cut + 1) / 2
    rng = look.variations()
    body = _torso(look, 76)
    cloth, edge = fabric(look, 0.9), darker(look.base, 0.35)
    puff = Path(63, 17).bend((76 + 8 * full, 18), (80 + 7 * full, 38 + 10 * full))
    puff.bend((80 + 4 * full, 48 + 12 * full), (73, 47 + 12 * full)).bend((66, 38), (64, 30))
    canvas.hanging_shadow(body)
    for side in (puff.points(), mirror(puff.points())):
        canvas.part(side, cloth, Shading(relief=0.8, softness=6), edge)
    canvas.part(body, cloth, Shading(folds=_creases(look)), edge)
    neck = _collar_line(26 + 7 * rng.random())
    canvas.line(neck, darker(look.base, 0.25), 1.2)
    trim(canvas, look, neck, _hem(look, 75))
    if rng.random() < 0.5:  # a bow at the neck
        for sign in (-1, 1):
            wing = np.array([(50, 30), (50 + sign * 9, 26), (50 + sign * 10, 34)])
            canvas.part(wing, trim_colour(look), Shading(relief=0.4))
        canvas.line(np.array([(49, 31), (46, 44)]), trim_colour(look), 1.6)
        canvas.line(np.array([(51, 31), (55, 43)]), trim_colour(look), 1.6)
    else:
        buttons(canvas, look, np.array([(50.0, 36.0), (50.0, 70.0)]), 7.0)
    embroidery(canvas, look, (40, 36), (60, 36), (43, 43), (57, 43))


def jacket(canvas: Canvas, look: Look) -> None:
    """A jacket or coat with lapels, pockets and buttons or a zip."""
    rng = look.variations()
    length = 74 + 14 * rng.random()
    body, sleeve = _torso(look, length, 2.5), _sleeve(look, 52, 74, 2.0)
    cloth, edge = fabric(look, 1.15), darker(look.base, 0.4)
    thick = Shading(relief=0.85, softness=6)
    canvas.hanging_shadow(body, 0.26)
    for side in (sleeve, mirror(sleeve)):
        canvas.part(side, cloth, thick, edge)
    canvas.part(body, cloth, thick, edge)
    inside = np.array([(42.5, 16.0), (57.5, 16.0), (50.0, 44.0)])
    canvas.part(inside, lighter(look.accent, 0.3) if look.cut < 0 else darker(look.base, 0.35), Shading(relief=0.3))
    lapel = Path(57, 15).to((64, 24), (60, 29), (63, 31), (50, 47)).bend((55, 32), (57, 15)).points()
    for side in (lapel, mirror(lapel)):
        canvas.part(side, trim_colour(look) if look.ornament > 0.15 else darker(look.base, 0.15), Shading(relief=0.4))
    canvas.line(np.array([(50, 46), (50, length)]), darker(look.base, 0.45), 0.8)
    for left in (36.0, 56.0):
        flap = box(left, length - 20, left + 9, length - 15.5, 1)
        canvas.part(flap, darker(look.base, 0.12), Shading(relief=0.3))
    if rng.random() < 0.6:
        buttons(canvas, look, np.array([(53.0, 50.0), (53.0, length - 6)]), 9.0)
    else:
        canvas.line(np.array([(50, 46), (50, length - 1)]), look.metal, 1.3)
    trim(canvas, look, _hem(look, length - 1, 2.5))
    embroidery(canvas, look, (38, 34), (62, 38), (38, 41))


def _torso(look: Look, bottom: float, extra: float = 0.0) -> Points:
    full = (look.cut + 1) / 2
    shoulder, chest = 17.5 + 2 * full + extra, 15.5 + 5.5 * full + extra
    path = (
        Path(50, 20).bend((55, 20), (57.5, 14)).to((50 + shoulder - 2, 18)).bend((50 + chest - 1, 26), (50 + chest, 34))
    )
    path.bend((50 + chest - 3.2 * (1 - full), 55), (50 + chest + 2.5 * full, bottom)).bend(
        (50 + chest / 2, bottom + 2.2), (50, bottom + 2.2)
    )
    return path.mirrored()


def _hem(look: Look, bottom: float, extra: float = 0.0) -> Points:
    full = (look.cut + 1) / 2
    half = 15.5 + 8.0 * full + extra
    return np.array(
        [
            (50 - half, bottom),
            (50 - half / 2, bottom + 1.8),
            (50, bottom + 2.2),
            (50 + half / 2, bottom + 1.8),
            (50 + half, bottom),
        ]
    )


def _sleeve(look: Look, drop: float, bottom: float, extra: float = 0.0) -> Points:
    full = (look.cut + 1) / 2
    shoulder = 50 + 15.5 + 2 * full + extra
    wide, reach = 7.5 + 4.0 * full, 5 + drop * 0.22
    path = Path(shoulder - 2, 16.5).bend((shoulder + 5.5, 18), (shoulder + reach + 2, bottom))
    return path.to((shoulder + reach + 2 - wide, bottom + 2.5)).bend((shoulder - 2, 38), (shoulder - 3, 36)).points()


def _cuff(sleeve: Points) -> Points:
    outer, inner = sleeve[13], sleeve[14]
    corners = np.stack([outer, outer, inner, inner])
    return np.asarray(corners + np.array([(0.4, -5.5), (0.6, 0.8), (-0.6, 0.8), (-0.9, -5.0)]))


def _collar_line(depth: float) -> Points:
    half = Path(50, depth).bend((56, depth - 1), (57.5, 15)).points()
    return np.concatenate([mirror(half)[::-1], half])


def _creases(look: Look) -> tuple[Points, ...]:
    full = (look.cut + 1) / 2
    return (
        np.array([(35.0, 40.0), (41.0, 58.0)]),
        np.array([(64.0, 42.0), (59.0, 66.0)]),
        np.array([(40.0, 66.0), (44.0 - 3 * full, 80.0)]),
    )
