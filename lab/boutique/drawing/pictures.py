"""From a look to the bytes of a picture."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from lab.boutique.drawing import accessories, dresses, footwear, home, pantry, tops, trousers
from lab.boutique.drawing.backdrop import backdrop
from lab.boutique.drawing.canvas import SIZE, Canvas
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.ornaments import sprigs

SILHOUETTES: dict[str, Callable[[Canvas, Look], None]] = {
    "dress": dresses.dress,
    "skirt": dresses.skirt,
    "tee": tops.tee,
    "shirt": tops.shirt,
    "blouse": tops.blouse,
    "jacket": tops.jacket,
    "trousers": trousers.trousers,
    "heel": footwear.heel,
    "sneaker": footwear.sneaker,
    "boot": footwear.boot,
    "bag": accessories.bag,
    "hat": accessories.hat,
    "scarf": accessories.scarf,
    "watch": accessories.watch,
    "sunglasses": accessories.sunglasses,
    "mug": home.mug,
    "lamp": home.lamp,
    "cushion": home.cushion,
    "chair": home.chair,
    "vase": home.vase,
    "candle": home.candle,
    "tea": pantry.tea,
    "coffee": pantry.coffee,
    "chocolate": pantry.chocolate,
    "wine": pantry.wine,
}

QUALITIES = (84, 76, 66, 54)
"""JPEG qualities, tried in order until a picture is at most MAX_BYTES."""
MAX_BYTES = 8_000


def draw(look: Look) -> Image.Image:
    """The product on its backdrop, [192, 192] RGB."""
    canvas = Canvas(backdrop(look.mood, look.shape_seed), stretch=0.95 + 0.09 * look.cut)
    sprigs(canvas, look)
    SILHOUETTES[look.silhouette](canvas, look)
    return canvas.finished(_tint(look.mood))


def _tint(mood: float) -> tuple[float, float, float]:
    """Cool daylight or warm lamplight."""
    if mood > 0:
        return 1.0, 1 - 0.03 * mood, 1 - 0.13 * mood
    return 1 + 0.09 * mood, 1 + 0.02 * mood, 1.0


def encoded(picture: Image.Image, qualities: tuple[int, ...] = QUALITIES) -> bytes:
    """The picture as a JPEG of the first quality that keeps it small, or of the last."""
    content = b""
    for quality in qualities:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        content = buffer.getvalue()
        if len(content) <= MAX_BYTES:
            break
    return content


def reshot(picture: Image.Image, seed: int) -> bytes:
    """The same picture as another seller would show it: cropped, brighter or darker, compressed harder."""
    rng = np.random.default_rng(seed)
    left, top, right, bottom = rng.uniform(0.003, 0.02, 4) * SIZE
    cropped = picture.crop((round(left), round(top), round(SIZE - right), round(SIZE - bottom)))
    again = cropped.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    again = ImageEnhance.Brightness(again).enhance(float(rng.uniform(0.97, 1.03)))
    again = ImageEnhance.Color(again).enhance(float(rng.uniform(0.95, 1.05)))
    return encoded(again, (int(rng.integers(68, 80)), 50))
