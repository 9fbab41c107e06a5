"""Mugs, lamps, cushions, chairs, vases and candles."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, trim, trim_colour
from lab.boutique.drawing.outline import Path, Points, arc, box, ellipse
from lab.boutique.palette import Rgb, darker, lighter, mix

CERAMIC = Shading(relief=0.7, softness=5, round_across=1.0, gloss=0.55)


def mug(canvas: Canvas, look: Look) -> None:
    """A mug: straight when slim, round-bellied when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    top, bottom = 26 + 4 * rng.random(), 82.0
    half, belly = 20.0, 3 + 10 * full
    canvas.ground_shadow(50, 83, 66)
    handle = arc((43 + half + belly * 0.3, 53), (34 + 4 * full, 34 - 4 * full), (-90, 90))
    canvas.line(handle, darker(look.base, 0.4), 6.6)
    canvas.line(handle, trim_colour(look) if look.ornament > 0.15 else look.base, 5.4)
    right = 45 + half
    path = (
        Path(45, top)
        .to((right, top))
        .bend((right + belly, 56), (right - 4 * full - 1, bottom - 3))
        .bend((right - 3, bottom), (right - 7, bottom))
        .to((45, bottom))
    )
    half_points = path.points()
    outline = np.concatenate([half_points, np.column_stack([90 - half_points[:, 0], half_points[:, 1]])[::-1]])
    canvas.part(outline, fabric(look, 0.8), CERAMIC, darker(look.base, 0.35))
    canvas.part(ellipse(45, top, half * 2, 8), lighter(look.base, 0.3), Shading(relief=0.3))
    canvas.part(
        ellipse(45, top + 0.6, half * 2 - 3.5, 5.6),
        darker(look.base, 0.5) if rng.random() < 0.5 else (92, 58, 38),
        Shading(relief=0.0),
    )
    trim(canvas, look, Path(right - half * 2 + 1.0, top + 8).bend((45, top + 13), (right - 1.0, top + 8)).points())
    embroidery(canvas, look, (38, 66), (52, 66), (45, 60))


def lamp(canvas: Canvas, look: Look) -> None:
    """A table lamp: a conical shade on a stem when slim, a drum on a round base when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    canvas.ground_shadow(50, 90, 46)
    body = trim_colour(look) if look.ornament > 0.15 else mix(look.metal, (90, 80, 72), 0.2)
    if full > 0.5:
        canvas.part(Path(50, 50).to((53, 50)).bend((72, 66), (60, 88)).to((50, 89)).mirrored(), body, CERAMIC)
    else:
        canvas.part(box(48.4, 46, 51.6, 86, 1), body, Shading(relief=0.4))
        canvas.part(ellipse(50, 87, 30, 6.5), body, Shading(relief=0.6))
    top_half, bottom_half = 11 + 9 * full + rng.uniform(-2, 2), 27 + 2 * full
    shade = (
        Path(50, 13)
        .to((50 + top_half, 13), (50 + bottom_half, 51))
        .bend((50 + bottom_half / 2, 55), (50, 55))
        .mirrored()
    )
    canvas.part(shade, fabric(look), Shading(relief=0.6, round_across=0.7), darker(look.base, 0.3))
    canvas.shade(ellipse(50, 43, 34, 26), -0.3, 9)
    rim = np.array(
        [
            (50 - bottom_half, 51),
            (50 - bottom_half / 2, 54),
            (50, 55),
            (50 + bottom_half / 2, 54),
            (50 + bottom_half, 51),
        ]
    )
    trim(canvas, look, rim)
    if look.ornament > 0.15:
        canvas.line(np.array([(50 - top_half, 13.4), (50 + top_half, 13.4)]), trim_colour(look), 1.8)
        for x in np.linspace(-0.9, 0.9, 9):
            canvas.line(
                np.array([(50 + bottom_half * x, 54.0 - abs(x) * 2), (50 + bottom_half * x, 60.0 - abs(x) * 2)]),
                trim_colour(look),
                1.0,
            )
    canvas.dots(np.array([(50.0, 11.5)]), look.metal, 2.8)


def cushion(canvas: Canvas, look: Look) -> None:
    """A cushion: square when slim, plump and round when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    canvas.ground_shadow(50, 86, 70)
    outline = _pillow(34 + rng.uniform(-2, 2), 4 + 9 * full, full)
    canvas.part(outline, fabric(look, 1.15), Shading(relief=1.3, softness=9), darker(look.base, 0.35))
    if look.ornament > 0.15:
        canvas.line(np.concatenate([outline, outline[:2]]), trim_colour(look), 1.8)
        for x, y in ((17, 18), (83, 18), (17, 82), (83, 82)):
            canvas.line(
                np.array([(x + (50 - x) * 0.1, y + (50 - y) * 0.1), (x - (50 - x) * 0.08, y - (50 - y) * 0.08)]),
                trim_colour(look),
                3.4,
            )
    if look.ornament > 0.55:
        canvas.line(np.concatenate([ellipse(50, 50, 34, 34), ellipse(50, 50, 34, 34)[:1]]), trim_colour(look), 1.6)
    if look.ornament < -0.35 or full > 0.75:
        canvas.shade(ellipse(50, 50, 8, 8), 0.35, 3)
        canvas.dots(np.array([(50.0, 50.0)]), darker(look.base, 0.3), 3.2)
    embroidery(canvas, look, (50, 50), (38, 50), (62, 50), (50, 38), (50, 62))


def _pillow(half: float, bulge: float, full: float) -> Points:
    corner = half + 1 - 7 * full * full
    path = Path(50 - corner, 50 - corner).bend((50, 50 - half + 5 - bulge), (50 + corner, 50 - corner))
    path.bend((50 + half - 5 + bulge, 50), (50 + corner, 50 + corner)).bend(
        (50, 50 + half - 5 + bulge), (50 - corner, 50 + corner)
    )
    return path.bend((50 - half + 5 - bulge, 50), (50 - corner, 50 - corner)).points()


def chair(canvas: Canvas, look: Look) -> None:
    """A chair: a slim side chair, or a rounded armchair when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    wood: Rgb = (150, 103, 62) if look.mood > 0 else (62, 60, 62) if look.mood < -0.4 else (196, 160, 118)
    canvas.ground_shadow(50, 90, 64)
    spread = 20 + 4 * full
    for x, y in ((-spread, 90), (spread, 90), (-spread + 7, 86), (spread - 7, 86)):
        leg = np.array([(50 + x * 0.82 - 1.4, 62), (50 + x * 0.82 + 1.4, 62), (50 + x + 0.9, y), (50 + x - 0.9, y)])
        canvas.part(leg, wood, Shading(relief=0.3))
    cloth, edge = fabric(look, 1.1), darker(look.base, 0.38)
    soft = Shading(relief=1.0, softness=6)
    top = 14 + 10 * full + rng.uniform(-2, 3)
    back_half = 17 + 8 * full
    back = box(50 - back_half, top, 50 + back_half, 60, 4 + 14 * full)
    canvas.part(back, cloth, soft, edge)
    if look.ornament > 0.3:
        grid = [(50 + x, y) for x in (-back_half * 0.55, 0.0, back_half * 0.55) for y in (top + 11, top + 22)]
        canvas.dots(np.array(grid), look.metal, 2.2)
    seat = box(50 - 21 - 3 * full, 56, 50 + 21 + 3 * full, 68, 3 + 4 * full)
    canvas.part(seat, cloth, soft, edge)
    if full > 0.45:
        for sign in (-1, 1):
            x = 50 + sign * (23 + 4 * full)
            canvas.part(box(x - 4.5, 42, x + 4.5, 69, 4.5), cloth, soft, edge)
    trim(canvas, look, np.array([(50 - 21 - 3 * full, 67), (50 + 21 + 3 * full, 67)]))
    embroidery(canvas, look, (50, top + 8))


def vase(canvas: Canvas, look: Look) -> None:
    """A vase, with a few stems in it when the family's shape says so."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    top = 34 + 8 * rng.random()
    canvas.ground_shadow(50, 88, 46)
    if rng.random() < 0.65:
        _stems(canvas, look, top, rng)
    neck, belly = 6 + 3 * rng.random(), 11 + 15 * full
    path = Path(50, top).to((50 + neck + 2, top)).bend((50 + neck - 1.5, top + 7), (50 + neck, top + 11))
    path.curve((50 + belly + 3, top + 18), (50 + belly + 5, 74), (50 + 10 + 2 * full, 88)).to((50, 88.6))
    canvas.part(path.mirrored(), fabric(look, 0.9), CERAMIC, darker(look.base, 0.35))
    canvas.part(ellipse(50, top, (neck + 2) * 2, 3.4), darker(look.base, 0.45), Shading(relief=0.0))
    trim(canvas, look, Path(50 - neck - 0.6, top + 11).bend((50, top + 13), (50 + neck + 0.6, top + 11)).points())
    if look.ornament > 0.15:
        for y in (82.0, 85.0):
            canvas.line(np.array([(50 - 11 - 2 * full, y), (50 + 11 + 2 * full, y)]), trim_colour(look), 1.1)
    embroidery(canvas, look, (50, 62), (43, 66), (57, 66))


def _stems(canvas: Canvas, look: Look, top: float, rng: np.random.Generator) -> None:
    green = (104, 132, 88)
    for lean in rng.uniform(-16, 16, 4):
        tip = (50 + lean, top - 14 - rng.uniform(0, 12))
        canvas.line(Path(50, top + 4).bend((50 + lean * 0.2, top - 8), tip).points(), green, 0.9)
        for turn in range(3):
            leaf = ellipse(tip[0] + (turn - 1) * 3.2, tip[1] + abs(turn - 1) * 3, 4.4, 6.4, 16)
            canvas.part(leaf, mix(look.third, green, 0.35 if look.mood < 0 else 0.1), Shading(relief=0.3, softness=2))


def candle(canvas: Canvas, look: Look) -> None:
    """A candle: a tall pillar when slim, a wide glass when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    half, top = 13 + 12 * full, 34 + 16 * full + rng.uniform(-2, 2)
    canvas.ground_shadow(50, 85, half * 2.6)
    canvas.part(
        box(50 - half, top, 50 + half, 86, 3 + 4 * full),
        fabric(look, 0.7),
        Shading(relief=0.5, round_across=0.9, gloss=0.4),
        darker(look.base, 0.3),
    )
    canvas.part(ellipse(50, top + 1.5, half * 2, 6), lighter(look.base, 0.45), Shading(relief=0.3))
    canvas.line(np.array([(50, top + 1.5), (50.4, top - 4)]), (60, 52, 46), 0.9)
    flame = Path(50.4, top - 14).bend((55, top - 6), (50.4, top - 3)).bend((46, top - 6), (50.4, top - 14)).points()
    canvas.patch(flame, (246, 186, 84))
    canvas.patch(np.array([50.4, top - 5]) + (flame - np.array([50.4, top - 5])) * 0.5, (255, 240, 200))
    canvas.shade(ellipse(50.4, top - 7, 16, 20), -0.35, 7)
    label = box(50 - half * 0.62, 58, 50 + half * 0.62, 74, 1.5)
    canvas.part(label, (248, 244, 236), Shading(relief=0.2), darker(look.base, 0.2))
    for y in (63.5, 67.0, 70.0):
        canvas.line(np.array([(50 - half * 0.36, y), (50 + half * 0.36, y)]), darker(look.base, 0.3), 0.8)
    trim(canvas, look, np.array([(50 - half, 82.0), (50 + half, 82.0)]))
    embroidery(canvas, look, (50, 53))
