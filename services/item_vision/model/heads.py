"""What a release makes of raw features: attributes, the image embedding, near-duplicates. numpy only."""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.spaces import space_id

HEADS_ARRAYS, HEADS_FACTS = "heads.npz", "heads.json"


class HeadsFileError(ValueError):
    """A release's heads cannot be read, or their files do not belong together."""


@dataclass(frozen=True)
class AttributeReading:
    """An attribute as read off one picture."""

    name: str
    value: str
    """Empty when abstained."""
    confidence: float
    """Calibrated probability of the most probable value, 0 to 1, whether or not it is said."""
    abstained: bool


@dataclass(frozen=True)
class AttributeHead:
    """Multinomial logistic regression over raw features, with temperature scaling (Guo et al., ICML 2017)."""

    name: str
    classes: tuple[str, ...]
    kernel: np.ndarray
    """`[width, classes] float32`."""
    bias: np.ndarray
    """`[classes] float32`."""
    temperature: float = 1.0
    """Divides the logits; above 1 it takes confidence away."""
    abstain_below: float = 0.0
    """Least probability at which the value is said."""

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Calibrated, `[n, classes] float32`, rows sum to 1."""
        logits = (features @ self.kernel + self.bias) / np.float32(self.temperature)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: np.ndarray = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities

    def read(self, features: np.ndarray) -> list[AttributeReading]:
        """One reading for each row of `features [n, width]`."""
        probabilities = self.probabilities(features)
        best = probabilities.argmax(axis=1)
        return [self._reading(int(column), float(row[column])) for row, column in zip(probabilities, best, strict=True)]

    def _reading(self, column: int, confidence: float) -> AttributeReading:
        abstained = confidence < self.abstain_below
        return AttributeReading(self.name, "" if abstained else self.classes[column], confidence, abstained)


@dataclass(frozen=True)
class Heads:
    """Everything of a release that reads raw picture features."""

    backbone_name: str
    """The encoder whose features these heads read."""
    attributes: tuple[AttributeHead, ...]
    embedding_kernel: np.ndarray
    """`[width, 64] float32`."""
    embedding_bias: np.ndarray
    """`[64] float32`."""
    near_duplicate: NearDuplicateRule = field(default_factory=NearDuplicateRule)

    @property
    def width(self) -> int:
        """Length of the raw features."""
        return int(self.embedding_kernel.shape[0])

    @cached_property
    def space_id(self) -> str:
        """Content hash of backbone and embedding: attribute heads may change without moving the space."""
        weights = {"embedding_kernel": self.embedding_kernel, "embedding_bias": self.embedding_bias}
        return space_id(self.backbone_name, weights)

    def embed(self, features: np.ndarray) -> np.ndarray:
        """L2-normalised vectors `[n, 64] float32` in `space_id`; a row of zeros (no picture) stays zeros."""
        raw = np.asarray(features, np.float32)
        pictured = raw.any(axis=1, keepdims=True)
        return normalise_rows((raw @ self.embedding_kernel + self.embedding_bias) * pictured)

    def describe(self, features: np.ndarray) -> list[list[AttributeReading]]:
        """For each row of `features [n, width]` one reading of each attribute, in their order."""
        raw = np.asarray(features, np.float32)
        by_attribute = [head.read(raw) for head in self.attributes]
        return [list(readings) for readings in zip(*by_attribute, strict=True)] or [[] for _ in raw]

    def save(self, folder: Path) -> None:
        """Writes `heads.npz` and `heads.json` into an existing folder."""
        arrays = {"embedding_kernel": self.embedding_kernel, "embedding_bias": self.embedding_bias}
        for number, head in enumerate(self.attributes):
            arrays |= {f"attribute_{number}_kernel": head.kernel, f"attribute_{number}_bias": head.bias}
        np.savez(folder / HEADS_ARRAYS, **arrays)  # type: ignore[arg-type]
        facts = {
            "backbone": self.backbone_name,
            "space_id": self.space_id,
            "near_duplicate": asdict(self.near_duplicate),
            "attributes": [_head_facts(head) for head in self.attributes],
        }
        (folder / HEADS_FACTS).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Heads":
        """The heads in a release's `vision` folder.

        Raises:
            HeadsFileError: Files are missing or do not belong together.

        """
        try:
            facts = json.loads((folder / HEADS_FACTS).read_text("utf-8"))
            with np.load(folder / HEADS_ARRAYS, allow_pickle=False) as arrays:
                heads = cls(
                    backbone_name=facts["backbone"],
                    attributes=tuple(
                        AttributeHead(
                            name=entry["name"],
                            classes=tuple(entry["classes"]),
                            kernel=arrays[f"attribute_{number}_kernel"],
                            bias=arrays[f"attribute_{number}_bias"],
                            temperature=entry["temperature"],
                            abstain_below=entry["abstain_below"],
                        )
                        for number, entry in enumerate(facts["attributes"])
                    ),
                    embedding_kernel=arrays["embedding_kernel"],
                    embedding_bias=arrays["embedding_bias"],
                    near_duplicate=NearDuplicateRule(**facts["near_duplicate"]),
                )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise HeadsFileError(f"{folder}: the vision heads cannot be read ({error})") from error
        if heads.space_id != facts["space_id"]:
            raise HeadsFileError(f"{folder}: {HEADS_ARRAYS} is not the file that {HEADS_FACTS} describes")
        return heads


def _head_facts(head: AttributeHead) -> dict[str, object]:
    return {
        "name": head.name,
        "classes": list(head.classes),
        "temperature": head.temperature,
        "abstain_below": head.abstain_below,
    }
