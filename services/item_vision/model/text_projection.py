"""What a release makes of sentence vectors: the 64-d text space. numpy only."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.spaces import space_id

PROJECTION_ARRAYS = "projection.npz"


class ProjectionFileError(ValueError):
    """A release's text projection cannot be read."""


@dataclass(frozen=True)
class TextProjection:
    """Principal components of the shop's sentence vectors."""

    encoder_name: str
    """The encoder whose vectors are projected."""
    mean: np.ndarray
    """`[width] float32`, taken away first."""
    kernel: np.ndarray
    """`[width, 64] float32`."""

    @cached_property
    def space_id(self) -> str:
        """Content hash of encoder and projection."""
        return space_id(self.encoder_name, {"mean": self.mean, "kernel": self.kernel})

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """L2-normalised vectors `[n, 64] float32` in `space_id`; a row of zeros (no text) stays zeros."""
        raw = np.asarray(vectors, np.float32)
        written = raw.any(axis=1, keepdims=True)
        return normalise_rows((raw - self.mean) @ self.kernel * written)

    def save(self, folder: Path) -> None:
        """Writes `projection.npz` into an existing folder."""
        name = np.array(self.encoder_name)
        np.savez(folder / PROJECTION_ARRAYS, encoder_name=name, mean=self.mean, kernel=self.kernel)

    @classmethod
    def load(cls, folder: Path) -> "TextProjection":
        """The projection in a release's `text` folder.

        Raises:
            ProjectionFileError: The file is missing or is something else.

        """
        try:
            with np.load(folder / PROJECTION_ARRAYS, allow_pickle=False) as arrays:
                return cls(str(arrays["encoder_name"]), arrays["mean"], arrays["kernel"])
        except (OSError, KeyError, ValueError) as error:
            raise ProjectionFileError(f"{folder}: the text projection cannot be read ({error})") from error
