"""Bags, hats, scarves, watches and sunglasses."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, stitches, trim, trim_colour
from lab.boutique.drawing.outline import Path, arc, box, ellipse
from lab.boutique.palette import darker, lighter, mix


def bag(canvas: Canvas, look: Look) -> None:
    """A handbag: a boxy satchel when slim, a slouchy tote when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    top, half_top, half_bottom = 42 - 6 * full, 27 - 4 * full, 30 + 5 * full
    radius = 2 + 12 * full
    canvas.ground_shadow(50, 84, 78)
    size = (30 + 8 * full, 46 + 14 * rng.random())
    handle = arc((50, top + 2), size, (180, 360))
    canvas.line(handle, darker(look.base, 0.5), 4.2)
    canvas.line(handle, trim_colour(look) if look.ornament > 0.15 else darker(look.base, 0.22), 3.2)
    path = (
        Path(50, top)
        .to((50 + half_top, top))
        .bend((50 + half_bottom + 3 * full, top + 22), (50 + half_bottom, 84 - radius))
    )
    outline = path.bend((50 + half_bottom, 84), (50 + half_bottom - radius, 84)).to((50, 84)).mirrored()
    canvas.part(outline, fabric(look), Shading(relief=1.0, softness=6), darker(look.base, 0.4))
    if rng.random() < 0.6:
        flap = (
            Path(50, top - 0.5)
            .to((50 + half_top + 0.5, top - 0.5))
            .bend((50 + half_top + 2, top + 14), (50 + half_top - 4, top + 17))
        )
        flap.bend((50 + 10, top + 21 + 5 * full), (50, top + 21 + 5 * full))
        canvas.part(flap.mirrored(), darker(look.base, 0.1), Shading(relief=0.7))
        canvas.part(box(46.5, top + 17, 53.5, top + 25, 1.5), look.metal, Shading(relief=0.6, softness=2))
        stitches(canvas, flap.points()[2:] + np.array([-1.5, -1.5]), trim_colour(look))
    else:
        for x in (36.0, 64.0):
            canvas.part(box(x - 2.2, top - 1, x + 2.2, top + 12, 1), darker(look.base, 0.25), Shading(relief=0.4))
            canvas.dots(np.array([(x, top + 9)]), look.metal, 2.4)
    trim(canvas, look, np.array([(50 - half_bottom + radius * 0.6, 81), (50 + half_bottom - radius * 0.6, 81)]))
    embroidery(canvas, look, (34, 70), (66, 70), (42, 74), (58, 74))


def hat(canvas: Canvas, look: Look) -> None:
    """A brimmed hat, or a knitted beanie when the family's shape says so."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    if rng.random() < 0.4:
        _beanie(canvas, look, full)
        return
    brim = 66 + 24 * full
    canvas.ground_shadow(50, 71, brim)
    canvas.part(ellipse(50, 65, brim, 15 + 5 * full), fabric(look), Shading(relief=0.7), darker(look.base, 0.38))
    canvas.shade(ellipse(50, 63.5, 50, 10), 0.35, 3)
    half = 20 + 3 * full
    crown = (
        Path(50, 33 - 3 * (1 - full))
        .bend((54, 27), (50 + half * 0.72, 29))
        .bend((50 + half, 36), (50 + half + 1, 62))
        .bend((50 + half / 2, 67), (50, 67))
        .mirrored()
    )
    canvas.part(crown, fabric(look), Shading(relief=1.0, softness=7), darker(look.base, 0.38))
    band = (
        Path(50, 58)
        .bend((50 + half / 2, 58), (50 + half + 0.4, 53))
        .to((50 + half + 1, 62))
        .bend((50 + half / 2, 67), (50, 67))
        .mirrored()
    )
    canvas.part(band, trim_colour(look), Shading(relief=0.4))
    if look.ornament > 0.1:
        feather = Path(66, 60).bend((70, 40), (84, 30)).bend((82, 48), (66, 60)).points()
        canvas.part(feather, look.third, Shading(relief=0.5))
        canvas.line(np.array([(66, 60), (82, 33)]), darker(look.third, 0.3), 0.6)
    trim(canvas, look, arc((50, 65), (brim - 2, 14 + 5 * full), (10, 170)))


def _beanie(canvas: Canvas, look: Look, full: float) -> None:
    height = 30 + 12 * full
    canvas.ground_shadow(50, 76, 60)
    dome = Path(50, 66 - height).bend((74, 66 - height), (76, 66)).to((50, 67)).mirrored()
    ribs = tuple(
        np.array([(50 + s * 9, 66 - height * (1 - abs(s) * 0.12)), (50 + s * 24, 66)])
        for s in (-0.9, -0.5, 0.0, 0.5, 0.9)
    )
    canvas.part(dome, fabric(look), Shading(relief=1.0, softness=7, folds=ribs), darker(look.base, 0.35))
    canvas.part(
        box(22, 60, 78, 76, 6),
        trim_colour(look) if look.ornament > 0.15 else darker(look.base, 0.12),
        Shading(relief=0.8),
    )
    for x in range(26, 78, 4):
        canvas.line(np.array([(x, 61.5), (x, 74.5)]), darker(look.base, 0.3), 0.5)
    if look.ornament > -0.2:
        canvas.part(ellipse(50, 64 - height, 17, 17), trim_colour(look), Shading(relief=0.9, softness=4))
    embroidery(canvas, look, (40, 50), (60, 50), (50, 46))


def scarf(canvas: Canvas, look: Look) -> None:
    """A scarf, looped when full and hanging long when slim; fringed when ornate."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    cloth, edge = fabric(look, 0.85), darker(look.base, 0.35)
    wide = 9 + 6 * full
    ends = ((61, 30, 64, 84 - 8 * full), (41, 32, 37 - 3 * full, 74 - 6 * full + rng.uniform(-4, 4)))
    for x, top, low, bottom in ends:
        tail = np.array([(x - wide * 0.8, top), (x + wide * 0.8, top), (low + wide, bottom), (low - wide, bottom)])
        canvas.hanging_shadow(tail, 0.14)
        canvas.part(tail, cloth, Shading(relief=0.6, folds=(np.array([(x, top + 10), (low, bottom)]),)), edge)
        if look.ornament > -0.2:
            for step in np.linspace(low - wide + 0.8, low + wide - 0.8, 9):
                canvas.line(
                    np.array([(step, bottom), (step + 0.4, bottom + 4 + 4 * max(look.ornament, 0))]),
                    trim_colour(look),
                    0.9,
                )
        if look.ornament > 0.3:
            canvas.line(np.array([(low - wide, bottom - 6), (low + wide, bottom - 6)]), trim_colour(look), 2.2)
    drapes = tuple(arc((50, 20), (size, size * 0.72), (15, 165)) for size in (34.0, 42.0, 51.0))
    loop = Shading(relief=0.9, softness=6, folds=drapes, fold_depth=0.3)
    canvas.part(ellipse(50, 28, 52 + 10 * full, 34 + 6 * full), cloth, loop, edge)
    canvas.part(ellipse(50, 21.5, 25, 11), darker(look.base, 0.45), Shading(relief=0.2))
    canvas.shade(ellipse(50, 34, 44, 4), 0.2)
    embroidery(canvas, look, (64, 70), (37, 62))


def watch(canvas: Canvas, look: Look) -> None:
    """A wrist-watch: a square case when slim, round when full."""
    rng = look.variations()
    strap = Shading(relief=0.9, softness=4)
    cloth = fabric(look, 0.6)
    wide = 9.5 + rng.uniform(-1.5, 2.0)
    for top, bottom in ((8, 38), (62, 92)):
        canvas.hanging_shadow(box(50 - wide, top, 50 + wide, bottom, 3), 0.2)
        canvas.part(box(50 - wide, top, 50 + wide, bottom, 4), cloth, strap, darker(look.base, 0.4))
        if look.ornament > -0.2:
            for x in (50 - wide + 1.6, 50 + wide - 1.6):
                stitches(canvas, np.array([(x, top + 2.0), (x, bottom - 2.0)]), trim_colour(look))
    size = 38 + rng.uniform(-3, 3)
    round_case = look.cut > 0
    radius = size / 2 if round_case else 5.0
    half = size / 2
    canvas.hanging_shadow(box(50 - half, 50 - half, 50 + half, 50 + half, radius), 0.3)
    canvas.part(box(50 + half - 1, 47.5, 50 + half + 3, 52.5, 1), look.metal, Shading(relief=0.4))
    for inset, fill in ((0.0, look.metal), (3.2, _dial(look))):
        shape = (
            ellipse(50, 50, size - 2 * inset, size - 2 * inset)
            if round_case
            else box(50 - half + inset, 50 - half + inset, 50 + half - inset, 50 + half - inset, radius - inset)
        )
        canvas.part(shape, fill, Shading(relief=0.8, softness=3))
    hands = darker(_dial(look), 0.75) if sum(_dial(look)) > 380 else (245, 242, 235)
    marks = 12 if look.ornament > 0 else 4
    angle = np.arange(marks) / marks * 2 * np.pi
    canvas.dots(
        50 + (half - 6.0) * np.column_stack([np.cos(angle), np.sin(angle)]),
        look.metal if look.ornament > 0.3 else hands,
        1.6,
    )
    turn = rng.uniform(0, 2 * np.pi, 2)
    for length, width, a in ((half * 0.45, 1.7, turn[0]), (half * 0.68, 1.1, turn[1])):
        canvas.line(np.array([(50, 50), (50 + length * np.cos(a), 50 + length * np.sin(a))]), hands, width)
    canvas.dots(np.array([(50.0, 50.0)]), look.metal, 2.4)
    if look.ornament > 0.3:  # small second dials
        for x, y in ((44.5, 54.0), (55.5, 54.0)):
            canvas.line(ellipse(x, y, 7, 7), look.metal, 0.7)


def _dial(look: Look) -> tuple[int, int, int]:
    return lighter(look.accent, 0.2) if look.mood > 0 else mix(look.base, (250, 250, 250), 0.85)


def sunglasses(canvas: Canvas, look: Look) -> None:
    """Sunglasses: angular when slim, large and round when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    width, height = 30 + 6 * full, 20 + 13 * full + rng.uniform(-1, 1)
    radius = 3 + 14 * full
    tint = mix(darker(look.base, 0.55), (90, 70, 50) if look.mood > 0 else (60, 80, 110), 0.5)
    for sign in (-1, 1):
        arm = np.array([(50 + sign * 38, 44), (50 + sign * 42, 40), (50 + sign * 44, 54)])
        canvas.line(arm, darker(look.base, 0.3), 2.6)
    canvas.line(arc((50, 48), (14, 12), (195, 345)), look.metal if look.ornament > 0.15 else look.base, 2.6)
    for sign in (-1, 1):
        middle = 50 + sign * (width / 2 + 4.5)
        frame = box(middle - width / 2, 50 - height / 2, middle + width / 2, 50 + height / 2, radius)
        canvas.hanging_shadow(frame, 0.22)
        canvas.part(frame, fabric(look, 0.5), Shading(relief=0.7, softness=3), darker(look.base, 0.4))
        inner = 3.2
        lens = box(
            middle - width / 2 + inner,
            50 - height / 2 + inner,
            middle + width / 2 - inner,
            50 + height / 2 - inner,
            radius - 2,
        )
        canvas.part(lens, tint, Shading(relief=0.5, gloss=0.8))
        if look.ornament > 0.15:
            canvas.line(np.concatenate([frame, frame[:1]]), look.metal, 0.9)
            canvas.dots(np.array([(50 + sign * (width + 1.5), 50 - height / 2 + 3.5)]), look.metal, 2.8)
        embroidery(canvas, look, (50 + sign * (width - 1), 50 - height / 2 + 2.5))
