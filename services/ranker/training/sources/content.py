"""Description vectors: text beside category, brand and colour; their cosine is a weighted mean of agreements."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import IMAGE_SIZE
from services.ranker.vocabulary import Vocabulary, codes


@dataclass(frozen=True)
class ContentConfig:
    """What an agreement counts; they are shares of the cosine."""

    text: float = 0.55
    """Of the cosine of the texts."""
    category: float = 0.25
    """Of being in one category."""
    brand: float = 0.1
    """Of being of one brand."""
    colour: float = 0.1
    """Of having one colour."""
    projected: int = 32
    """Length that each attribute's one-hot vector is projected to at random; keeps a large catalogue small."""
    seed: int = 9
    """Of the projection."""


def train(
    content: NDArray[np.float32], vocabulary: Vocabulary, config: ContentConfig | None = None
) -> dict[str, NDArray[Any]]:
    """`vectors [items, 64 + 3 × projected]` of length 1, zeros for items that nothing describes."""
    config = config or ContentConfig()
    text_size = content.shape[1] - IMAGE_SIZE
    vectors = np.empty((len(content), text_size + 3 * config.projected), np.float32)
    vectors[:, :text_size] = np.sqrt(config.text) * content[:, IMAGE_SIZE:]
    weights = (config.category, config.brand, config.colour)
    random = np.random.default_rng(config.seed)
    columns = (vocabulary.categories, vocabulary.brands, vocabulary.colours)
    for place, (column, weight) in enumerate(zip(columns, weights, strict=True)):
        numbers, names = codes(column)
        directions = random.standard_normal((len(names), config.projected))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        directions[0] = 0.0
        start = text_size + place * config.projected
        vectors[:, start : start + config.projected] = (np.sqrt(weight) * directions).astype(np.float32)[numbers]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return {"vectors": vectors}


def cosine(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """`left . right / (|left| |right|)`; 0 when either is 0."""
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / lengths if lengths > 0 else 0.0
