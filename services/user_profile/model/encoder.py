"""The user autoencoder's encoder in numpy: what a server needs of it, without TensorFlow (ADR 0003)."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.kit.array_files import map_arrays, write_arrays
from services.user_profile.model.interactions import InteractionVector, Weighting

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Kernel `[inputs, outputs]` and bias `[outputs]` of a dense layer."""

EMBEDDING_SIZE: Final = 64

ACTIVATIONS: Final[Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]]] = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
    "linear": lambda values: values,
}

ARRAYS_PATH: Final = Path("profile/encoder.npz")
DESCRIPTION_PATH: Final = Path("profile/encoder.json")


@dataclass(frozen=True)
class Encoder:
    """Dense layers with an activation between them; the last layer is linear. Its output is z_u `[64] float32`."""

    layers: Sequence[Layer]
    activation: str
    kind: str
    """Which autoencoder it was trained as; for people."""
    weighting: Weighting

    def __post_init__(self) -> None:
        """Refuses layers that do not fit together, so that a broken release is never reported ready."""
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"the encoder's activation {self.activation!r} is unknown")
        for kernel, bias in self.layers:
            if bias.shape != (kernel.shape[1],):
                raise ValueError(f"a bias of {bias.shape} does not fit a kernel of {kernel.shape}")
        for (kernel, _), (following, _) in pairwise(self.layers):
            if len(following) != kernel.shape[1]:
                raise ValueError(f"a layer of {kernel.shape[1]} outputs is followed by one of {len(following)} inputs")
        if not self.layers or self.layers[-1][0].shape[1] != EMBEDDING_SIZE:
            raise ValueError(f"the encoder must end in {EMBEDDING_SIZE} outputs")

    @property
    def item_count(self) -> int:
        """Items of the vocabulary it was trained on."""
        return len(self.layers[0][0])

    @cached_property
    def space_id(self) -> str:
        """First 16 hex digits of the SHA-256 of everything that decides what it answers."""
        digest = hashlib.sha256(json.dumps([self.activation, self.weighting.to_json()], sort_keys=True).encode())
        for kernel, bias in self.layers:
            digest.update(np.ascontiguousarray(kernel).data)
            digest.update(np.ascontiguousarray(bias).data)
        return digest.hexdigest()[:16]

    def encode(self, interactions: InteractionVector) -> NDArray[np.float32]:
        """`[64] float32`. Sums only the rows of the first layer that the user touched."""
        kernel, bias = self.layers[0]
        return self._finish(interactions.weights @ kernel[interactions.rows] + bias)

    def encode_many(self, vectors: Sequence[InteractionVector]) -> NDArray[np.float32]:
        """`[n, 64] float32`, one row a vector; agrees with `encode` to rounding."""
        kernel, bias = self.layers[0]
        first = np.empty((len(vectors), kernel.shape[1]), np.float32)
        for index, vector in enumerate(vectors):
            first[index] = vector.weights @ kernel[vector.rows] + bias
        return self._finish(first)

    def _finish(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        activation = ACTIVATIONS[self.activation]
        for kernel, bias in self.layers[1:]:
            values = activation(values) @ kernel + bias
        return values

    def save(self, release: Path) -> None:
        """Writes `profile/encoder.npz` and `profile/encoder.json` of a release."""
        (release / ARRAYS_PATH).parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {}
        for index, (kernel, bias) in enumerate(self.layers):
            arrays[f"w{index}"], arrays[f"b{index}"] = kernel, bias
        write_arrays(release / ARRAYS_PATH, arrays)
        description = {
            "kind": self.kind,
            "activation": self.activation,
            "space_id": self.space_id,
            **self.weighting.to_json(),
        }
        (release / DESCRIPTION_PATH).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, release: Path) -> "Encoder":
        """Reads the encoder of a release folder. The first layer has a row for every item and stays in the file.

        Raises: OSError, KeyError or ValueError when it is absent, unreadable or does not fit together.
        """
        description = json.loads((release / DESCRIPTION_PATH).read_text(encoding="utf-8"))
        arrays = map_arrays(release / ARRAYS_PATH)
        layers = [
            (np.asarray(arrays[f"w{index}"], np.float32), np.asarray(arrays[f"b{index}"], np.float32))
            for index in range(len(arrays) // 2)
        ]
        encoder = cls(layers, description["activation"], description["kind"], Weighting.from_json(description))
        if description["space_id"] != encoder.space_id:
            raise ValueError(f"the encoder in {release.name} is not the one its description names")
        return encoder
