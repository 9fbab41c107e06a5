"""Banner pictures: three products on rounded cards at the right, room for a title at the left."""

from PIL import Image, ImageDraw, ImageFilter

from lab.boutique.drawing.canvas import SIZE
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.pictures import draw
from lab.boutique.palette import darker, lighter, rgb

WIDTH, HEIGHT = 1200, 360
CARD = 236
"""Side of a card."""


def banner(looks: list[Look], colours: tuple[str, str]) -> Image.Image:
    """A banner [360, 1200] that shows up to three looks."""
    ground, second = rgb(colours[0]), rgb(colours[1])
    large = Image.new("RGB", (WIDTH * 2, HEIGHT * 2), ground)
    pen = ImageDraw.Draw(large)
    pen.ellipse((1180, -260, 2620, 1180), fill=lighter(second, 0.25))
    pen.ellipse((1560, 120, 2300, 860), fill=second)
    pen.ellipse((-220, 480, 240, 940), fill=lighter(second, 0.45))
    for x in range(120, 1000, 56):
        pen.ellipse((x, 640, x + 8, 648), fill=second)
    picture = large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    for place, look in enumerate(looks[:3]):
        left, top = 452 + place * 244, 44 + (place % 2) * 36
        shadow = Image.new("L", (WIDTH, HEIGHT))
        ImageDraw.Draw(shadow).rounded_rectangle((left, top + 8, left + CARD, top + 8 + CARD), 28, fill=90)
        picture.paste(darker(second, 0.55), (0, 0, WIDTH, HEIGHT), shadow.filter(ImageFilter.GaussianBlur(12)))
        card = draw(look).resize((CARD, CARD), Image.Resampling.LANCZOS)
        picture.paste(card, (left, top), _rounded(CARD))
    return picture


def _rounded(side: int) -> Image.Image:
    mask = Image.new("L", (side * 2, side * 2))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side * 2 - 1, side * 2 - 1), 2 * 28 * SIZE // 192, fill=255)
    return mask.resize((side, side), Image.Resampling.LANCZOS)
