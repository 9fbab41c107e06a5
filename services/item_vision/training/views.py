"""Ways to look at one picture: the two that predictions are averaged over, and any number that training learns from."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from services.item_vision.model.pictures import WHITE, Picture, network_input

GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class ViewSettings:
    """How much training views differ from the picture."""

    least_area: float = 0.5
    """Smallest share of the picture's area that is seen."""
    greatest_area: float = 1.1
    """Above 1 a margin of white is seen around it."""
    aspect: float = 1.2
    """Greatest factor by which it is stretched, either way."""
    rotation_degrees: float = 10.0
    """Greatest rotation, either way."""
    brightness: float = 0.25
    """Greatest relative change."""
    contrast: float = 0.25
    """Greatest relative change."""
    saturation: float = 0.25
    """Greatest relative change."""


def plain_views(picture: Picture, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole picture on white and its mirror image, each `[side, side, 3] uint8`."""
    whole = network_input(picture, picture_side=side)
    return whole, np.ascontiguousarray(whole[:, ::-1])


def altered_view(picture: Picture, side: int, settings: ViewSettings, generator: np.random.Generator) -> np.ndarray:
    """A random part of the picture, mirrored half the time, turned, stretched and in other light;
    `[side, side, 3] uint8`.
    """
    squared = Image.fromarray(network_input(picture, picture_side=side))
    window = _window(side, settings, generator)
    seen = squared.transform(squared.size, Image.Transform.AFFINE, window, Image.Resampling.BILINEAR, fillcolor=WHITE)
    return _in_other_light(np.asarray(seen, np.float32), settings, generator)


def _window(side: int, settings: ViewSettings, generator: np.random.Generator) -> tuple[float, ...]:
    """Coefficients (a, b, c, d, e, f): what is seen at (x, y) stands at (ax + by + c, dx + ey + f) in the picture."""
    area = generator.uniform(settings.least_area, settings.greatest_area)
    stretch = math.exp(generator.uniform(-1, 1) * math.log(settings.aspect) / 2)
    across, down = math.sqrt(area) * stretch, math.sqrt(area) / stretch
    mirrored = -1.0 if generator.random() < 0.5 else 1.0
    angle = math.radians(generator.uniform(-1, 1) * settings.rotation_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    a, b, d, e = across * mirrored * cosine, -down * sine, across * mirrored * sine, down * cosine
    middle = side / 2
    # The window's middle is anywhere that keeps an unturned window inside (a wide one around) the picture.
    shift_x, shift_y = ((generator.uniform(-1, 1) * abs(1 - extent) * middle) for extent in (across, down))
    return a, b, middle + shift_x - (a + b) * middle, d, e, middle + shift_y - (d + e) * middle


def _in_other_light(pixels: np.ndarray, settings: ViewSettings, generator: np.random.Generator) -> np.ndarray:
    brightness, contrast, saturation = (
        1 + generator.uniform(-strength, strength)
        for strength in (settings.brightness, settings.contrast, settings.saturation)
    )
    pixels = pixels * np.float32(brightness)
    grey = (pixels @ GREY)[..., None]
    pixels = grey + (pixels - grey) * np.float32(saturation)
    middle = np.float32(grey.mean())
    seen: np.ndarray = np.clip(middle + (pixels - middle) * np.float32(contrast), 0, 255).astype(np.uint8)
    return seen
