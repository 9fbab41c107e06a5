"""Trims: what the hidden style axis *ornament* adds along hems and rims."""

import numpy as np

from lab.boutique.drawing.canvas import Canvas
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.outline import Points, along, ellipse, turned
from lab.boutique.palette import Rgb, darker, lighter, luminance


def trim(canvas: Canvas, look: Look, *lines: Points) -> None:
    """Trim each line (a hem, a neckline, a rim) as richly as the look asks for.

    Below −0.2 nothing; then stitches; above 0.15 piping with beads; above 0.55 scallops as well.
    """
    colour = trim_colour(look)
    for line in lines:
        if look.ornament > 0.55:
            canvas.dots(along(line, 3.3), colour, 4.0)
            canvas.dots(along(line, 3.3), darker(colour, 0.3), 1.3)
        if look.ornament > 0.15:
            canvas.line(line, colour, 1.5)
            inwards = 2.6 if line[:, 1].mean() < 30 else -2.6  # below a neckline, above a hem
            canvas.dots(along(line, 3.0)[1:-1] + np.array([0.0, inwards]), colour, 1.2)
        elif look.ornament > -0.2:
            stitches(canvas, line + np.array([0.0, 1.2 if line[:, 1].mean() < 30 else -1.2]), colour)


def trim_colour(look: Look) -> Rgb:
    """The accent, moved away from the base when the two would melt into one another."""
    if abs(luminance(look.accent) - luminance(look.base)) > 0.16:
        return look.accent
    return lighter(look.base, 0.6) if luminance(look.base) < 0.5 else darker(look.base, 0.45)


def stitches(canvas: Canvas, line: Points, colour: Rgb) -> None:
    """A dashed line."""
    points = along(line, 1.1)
    for start in range(0, len(points) - 1, 2):
        canvas.line(points[start : start + 2], colour, 0.5)


def embroidery(canvas: Canvas, look: Look, *centres: tuple[float, float]) -> None:
    """A small stitched flower at each centre, on looks with an ornament above 0.35."""
    if look.ornament <= 0.35:
        return
    colour = trim_colour(look)
    for x, y in centres:
        for turn in range(0, 360, 60):
            canvas.patch(turned(ellipse(x + 2.0, y, 3.0, 1.9, 14), turn, (x, y)), colour)
        canvas.dots(np.array([(x, y)]), look.metal, 1.8)


def buttons(canvas: Canvas, look: Look, line: Points, spacing: float = 8.0) -> None:
    """Buttons along a line: bigger and of metal when the look is ornate."""
    ornate = look.ornament > 0.15
    colour = (
        look.metal if ornate else darker(look.base, 0.45) if luminance(look.base) > 0.3 else lighter(look.base, 0.5)
    )
    canvas.dots(along(line, spacing), darker(colour, 0.4), 2.6 if ornate else 1.9)
    canvas.dots(along(line, spacing), colour, 2.1 if ornate else 1.4)


def sprigs(canvas: Canvas, look: Look) -> None:
    """Leafy sprigs laid beside the product on ornate looks: larger, and with berries, the richer it is."""
    if look.ornament <= 0.05:
        return
    rng = np.random.default_rng(look.shape_seed + 11)
    leaf = (126, 142, 98) if look.mood > 0 else (120, 150, 142)
    berry = (190, 92, 72) if look.mood > 0 else (122, 128, 176)
    reach = 16 + 22 * look.ornament
    for corner, degrees in (((4.0, 96.0), -45.0), ((96.0, 4.0), 135.0)):
        _sprig(canvas, corner, degrees + float(rng.uniform(-14, 14)), reach, (leaf, berry))


def _sprig(canvas: Canvas, root: tuple[float, float], degrees: float, reach: float, colours: tuple[Rgb, Rgb]) -> None:
    leaf, berry = colours
    pointing = degrees  # leaves are laid out to the right of the root, then turned about it
    stem = turned(np.array([root, (root[0] + reach, root[1])]), pointing, root)
    canvas.line(stem, darker(leaf, 0.25), 0.9)
    for step, along_stem in enumerate(np.arange(5.0, reach, 4.6)):
        size = 8.5 * (1 - 0.45 * along_stem / reach)
        side = 1 if step % 2 else -1
        blade = ellipse(root[0] + along_stem + size / 2, root[1], size, size * 0.42, 18)
        blade = turned(blade, side * 38.0, (root[0] + along_stem, root[1]))
        canvas.patch(turned(blade, pointing, root), leaf if side > 0 else darker(leaf, 0.1))
        if reach > 26:
            dot = np.array([(root[0] + along_stem + 1.5, root[1] - side * 3.6)])
            canvas.dots(turned(dot, pointing, root), berry, 2.3)
