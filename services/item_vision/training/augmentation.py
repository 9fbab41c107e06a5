"""Altered pictures: strongly, so that heads generalise; mildly, to learn when two pictures are the same one."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps


@dataclass(frozen=True)
class AugmentationSettings:
    """How strongly a picture is altered, and how often."""

    copy_count: int = 1
    """Altered copies of each picture; 0 turns augmentation off."""
    flip_probability: float = 0.5
    """Of mirroring left and right."""
    least_crop: float = 0.75
    """Smallest share of each side that is kept; the place is random."""
    brightness: float = 0.15
    """Greatest relative change."""
    contrast: float = 0.15
    """Greatest relative change."""
    saturation: float = 0.15
    """Greatest relative change. Hue is never touched: colour is something to be learned."""
    jpeg_quality: tuple[int, int] = (95, 95)
    """Range of qualities that the copy is recompressed at."""


TRAINING_COPIES = AugmentationSettings()
# What becomes of a product photograph between two sellers' shops.
NEAR_IDENTICAL_COPIES = AugmentationSettings(
    flip_probability=0.0,
    least_crop=0.92,
    brightness=0.08,
    contrast=0.05,
    saturation=0.1,
    jpeg_quality=(50, 90),
)


def altered(pixels: np.ndarray, settings: AugmentationSettings, generator: np.random.Generator) -> np.ndarray:
    """One altered copy of `pixels [height, width, 3] uint8`, of the same shape."""
    image = Image.fromarray(pixels)
    size = image.size
    image = image.crop(_crop_box(size, settings.least_crop, generator)).resize(size, Image.Resampling.BICUBIC)
    if generator.random() < settings.flip_probability:
        image = ImageOps.mirror(image)
    for enhance, strength in (
        (ImageEnhance.Brightness, settings.brightness),
        (ImageEnhance.Contrast, settings.contrast),
        (ImageEnhance.Color, settings.saturation),
    ):
        image = enhance(image).enhance(1 + generator.uniform(-strength, strength))
    return _recompressed(image, int(generator.integers(*settings.jpeg_quality, endpoint=True)))


def _crop_box(size: tuple[int, int], least: float, generator: np.random.Generator) -> tuple[float, float, float, float]:
    width, height = (side * generator.uniform(least, 1.0) for side in size)
    left, top = generator.uniform(0, size[0] - width), generator.uniform(0, size[1] - height)
    return left, top, left + width, top + height


def _recompressed(image: Image.Image, quality: int) -> np.ndarray:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))
