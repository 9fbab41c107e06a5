"""Heels, sneakers and boots, seen from the side."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas, Shading
from lab.boutique.drawing.fabric import fabric
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import embroidery, stitches, trim, trim_colour
from lab.boutique.drawing.outline import Path
from lab.boutique.palette import darker, lighter


def heel(canvas: Canvas, look: Look) -> None:
    """A pump: a high thin heel when slim, a low block heel when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    rise = 24 - 15 * full + rng.uniform(-2, 2)
    back = 74 - rise
    canvas.ground_shadow(50, 77, 78)
    wide = 1.6 + 5.0 * full
    stilt = Path(72, back + 2).to((89, back - 5)).bend((86, 68), (81 + wide, 77)).to((81 - wide, 77))
    canvas.part(stilt.bend((79, 68), (72, back + 2)).points(), darker(look.base, 0.25), Shading(relief=0.4))
    sole = Path(10, 75).bend((26, 79), (42, 75.5)).bend((62, 71), (76, back + 2)).to((88, back - 2))
    sole.bend((66, 79), (42, 78)).bend((22, 81), (10, 77.5))
    canvas.part(sole.points(), darker(look.accent, 0.35), Shading(relief=0.2))
    counter = (88, back - 24)
    lining = Path(38, 62).bend((52, 60 - rise * 0.2), (70, back - 18)).bend((80, back - 26), counter)
    lining.to((89, back - 8)).bend((68, 72), (42, 70)).to((38, 62))
    canvas.part(lining.points(), darker(look.base, 0.5), Shading(relief=0.2))
    low = 70 - rise * 0.42
    upper = (
        Path(10, 75)
        .bend((11, 67), (27, 60))
        .bend((34, 57), (39, 62))
        .bend((50, low + 3), (64, low - 3))
        .bend((78, low - 10), counter)
    )
    upper.bend((94, back - 12), (89, back - 3)).bend((68, 73), (42, 76.5)).bend((24, 79), (10, 75))
    canvas.part(upper.points(), fabric(look, 0.8), Shading(relief=0.9, softness=4, gloss=0.35), darker(look.base, 0.35))
    opening = Path(34, 59.5).bend((37, 59.5), (39, 62)).bend((50, low + 3), (64, low - 3)).bend((78, low - 10), counter)
    trim(canvas, look, opening.points())
    if look.ornament > 0.15:
        canvas.dots(np.array([(27.0, 64.5)]), look.metal, 6.5)
        canvas.dots(np.array([(27.0, 64.5)]), trim_colour(look), 3.4)
    if rng.random() < 0.4:  # a bow on the toe
        for sign in (-1, 1):
            wing = np.array([(33, 60), (33 + sign * 6, 56), (33 + sign * 6, 63)])
            canvas.part(wing, trim_colour(look), Shading(relief=0.4))


def sneaker(canvas: Canvas, look: Look) -> None:
    """A trainer: flat and narrow when slim, chunky when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    thick = 5 + 7 * full
    top = 72 - thick
    canvas.ground_shadow(50, 75, 84)
    high = 8.0 if rng.random() < 0.3 else 0.0
    upper = Path(9, top).bend((8, top - 10), (22, top - 14)).bend((34, top - 19), (45, top - 29))
    upper.to((52, top - 35 - high), (60, top - 31 - high)).bend((72, top - 27), (80, top - 36 - high)).to(
        (86, top - 35 - high)
    )
    upper.bend((85, top - 18), (91, top - 6)).to((91, top + 2), (9, top + 2))
    canvas.part(upper.points(), fabric(look, 0.75), Shading(relief=0.8, softness=5), darker(look.base, 0.38))
    toe = Path(9, top + 1).bend((8, top - 9), (22, top - 13.5)).bend((31, top - 8), (30, top + 1)).points()
    canvas.part(toe, trim_colour(look) if look.ornament > 0.15 else lighter(look.base, 0.25), Shading(relief=0.5))
    counter = (
        Path(76, top + 1)
        .bend((74, top - 14), (84, top - 20))
        .to((86.5, top - 15))
        .bend((90, top - 8), (91, top + 1))
        .points()
    )
    canvas.part(counter, trim_colour(look) if look.ornament > 0.4 else darker(look.base, 0.15), Shading(relief=0.4))
    sole = Path(6, top).to((93, top)).bend((96, 74), (91, 75)).to((10, 75)).bend((3, 74), (6, top)).points()
    canvas.part(
        sole, (244, 241, 235) if look.mood > -0.4 else (222, 227, 232), Shading(relief=0.4, softness=3), (170, 165, 158)
    )
    if full > 0.55:
        canvas.line(np.array([(7, top + thick * 0.5), (92, top + thick * 0.5)]), trim_colour(look), 1.4)
    for step in range(5):
        x, y = 40 + step * 3.4, top - 19 - step * 3.6
        canvas.line(np.array([(x - 4.5, y + 4), (x + 5, y + 7.5)]), (250, 248, 244), 1.7)
        canvas.line(np.array([(x - 4.5, y + 4.9), (x + 5, y + 8.4)]), darker(look.base, 0.3), 0.4)
    if rng.random() < 0.6:
        swoop = Path(40, top - 4).bend((58, top - 8), (72, top - 24)).points()
        canvas.line(swoop, trim_colour(look), 2.6)
    trim(canvas, look, np.array([(12.0, top + 0.2), (88.0, top + 0.2)]))
    embroidery(canvas, look, (62, top - 10), (70, top - 16))


def boot(canvas: Canvas, look: Look) -> None:
    """A boot: a tall narrow one when slim, a short laced one when full."""
    rng = look.variations()
    full = (look.cut + 1) / 2
    top = 20 + 18 * full + rng.uniform(-3, 3)
    canvas.ground_shadow(50, 81, 68)
    leather = Shading(relief=0.9, softness=5, gloss=0.3)
    shaft = (
        Path(46 - 3 * full, top)
        .bend((62, top - 3), (76 + 3 * full, top + 1))
        .bend((73, 50), (77, 62))
        .bend((79, 70), (77, 75))
    )
    shaft.to((16, 75)).bend((13, 64), (27, 60)).bend((44, 56), (47, 47)).bend((48, 34), (46 - 3 * full, top))
    canvas.part(shaft.points(), fabric(look), leather, darker(look.base, 0.4))
    toe = Path(16, 75).bend((13, 64), (27, 60)).bend((36, 64), (37, 75)).points()
    canvas.part(
        toe, trim_colour(look) if look.ornament > 0.45 else darker(look.base, 0.12), Shading(relief=0.7, gloss=0.3)
    )
    sole = Path(14, 74).to((80, 74), (80, 81), (62, 81), (60, 78), (14, 78.5)).points()
    canvas.part(sole, darker(look.base, 0.6) if look.mood < 0 else (110, 72, 44), Shading(relief=0.3))
    if full > 0.4:
        for step in range(5):
            y = top + 8 + step * (48 - top) / 5
            canvas.line(np.array([(46, y + 1.5), (57, y)]), (240, 232, 214), 1.3)
            canvas.dots(np.array([(46.5, y + 1.5), (57.0, y)]), look.metal, 1.9)
    else:
        canvas.line(np.array([(68, top + 4), (68, 70)]), look.metal, 0.9)
    rim = Path(46 - 3 * full, top + 1).bend((62, top - 2), (76 + 3 * full, top + 2)).points()
    trim(canvas, look, rim)
    if look.ornament > 0.15:
        strap = np.array([(48.0, 57.0), (77.0, 58.0)])
        canvas.line(strap, trim_colour(look), 3.0)
        canvas.dots(np.array([(62.0, 57.6)]), look.metal, 4.6)
    elif look.ornament > -0.2:
        stitches(canvas, np.array([(38.0, 71.0), (76.0, 71.0)]), trim_colour(look))
    embroidery(canvas, look, (64, 40), (64, 48))
