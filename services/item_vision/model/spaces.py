"""Vector spaces: a vector may only be compared with vectors of the encoder that made it."""

import hashlib
from collections.abc import Mapping

import numpy as np

SPACE_ID_LENGTH = 16


class SpaceMismatchError(ValueError):
    """Vectors of two encoders were about to be compared."""


def space_id(encoder_name: str, weights: Mapping[str, np.ndarray]) -> str:
    """Content hash of an encoder: the first 16 hex digits of sha256 over its name and named weights.

    The order of the weights does not matter; their names, shapes, types and values do.
    """
    digest = hashlib.sha256(encoder_name.encode())
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:SPACE_ID_LENGTH]


def require_same_space(left: str, right: str) -> None:
    """Passes when both are the same non-empty space.

    Raises:
        SpaceMismatchError: They are not; the vectors must be made anew with one encoder.

    """
    if not left or left != right:
        message = f"vectors of space {left or '(none)'} cannot be compared with space {right or '(none)'}"
        raise SpaceMismatchError(f"{message}; encode both with the same release")
