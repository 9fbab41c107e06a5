"""Small pictures and features, drawn from a seed."""

import io

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (190, 40, 40), "green": (50, 140, 60), "blue": (50, 80, 180)}
SHAPES = ("disc", "bar", "frame")


def pixels(shape: str, colour: str, seed: int, size: int = 224) -> np.ndarray:
    """A coloured shape of random place and size on an off-white ground, `[size, size, 3] uint8`."""
    generator = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size), (244, 242, 238))
    draw = ImageDraw.Draw(image)
    left, top = (generator.uniform(0.12, 0.25, 2) * size).tolist()
    right, bottom = (generator.uniform(0.75, 0.88, 2) * size).tolist()
    shade = tuple(int(channel + generator.integers(-15, 15)) for channel in COLOURS[colour])
    if shape == "disc":
        draw.ellipse((left, top, right, bottom), fill=shade)
    elif shape == "bar":
        middle = size * generator.uniform(0.4, 0.5)
        draw.rectangle((left, middle, right, middle + size * 0.15), fill=shade)
    else:
        draw.rectangle((left, top, right, bottom), outline=shade, width=size // 12)
    return np.asarray(image)


def encoded(image: np.ndarray, format_: str = "JPEG", **options: object) -> bytes:
    """A picture file of these pixels."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format_, **options)
    return file.getvalue()


def clustered_features(
    class_count: int, per_class: int, width: int = 96, spread: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Features `[n, width]` around one centre a class, and their classes.

    Classes live in the first eight directions; the next four vary far more and say nothing, as a background does.
    """
    generator = np.random.default_rng(seed)
    centres = np.zeros((class_count, width))
    centres[:, :8] = generator.normal(0, 1, (class_count, 8))
    classes = np.repeat(np.arange(class_count), per_class)
    noise = generator.normal(0, 0.5 * spread, (len(classes), width))
    noise[:, 8:12] *= 8
    return (centres[classes] + noise).astype(np.float32), classes
