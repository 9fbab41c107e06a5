"""What a product picture shows."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.palette import Rgb


@dataclass(frozen=True)
class Look:
    """Everything a picture depends on; equal looks give equal pictures."""

    silhouette: str
    """Name in `drawing.pictures.SILHOUETTES`."""
    base: Rgb
    """The colour the product is named after."""
    accent: Rgb
    """Second colour of the pattern and of trims."""
    third: Rgb
    """Third colour of the pattern."""
    pattern: str
    """Name in `drawing.fabric.PATTERNS`."""
    ornament: float
    """Hidden style, −1 bare to 1 richly trimmed."""
    mood: float
    """Hidden style, −1 cool and modern to 1 warm and vintage."""
    cut: float
    """Hidden style, −1 slim and angular to 1 full and rounded."""
    shape_seed: int
    """Small variations of shape: one a family of products."""

    def variations(self) -> np.random.Generator:
        """A fresh generator of this family's small variations; the same draws every time."""
        return np.random.default_rng(self.shape_seed)

    @property
    def metal(self) -> Rgb:
        """Colour of buckles, buttons and rims: silver when cool, gold when warm."""
        return (201, 160, 78) if self.mood > 0 else (168, 174, 182)
