"""From a shop's examples to the rows that the embedding is learned from."""

from collections.abc import Mapping

import numpy as np

from services.item_vision.training.attribute_heads import FittingRows
from services.item_vision.training.examples import HeadExamples
from services.item_vision.training.metric_embedding import EmbeddingRows


def embedding_rows(
    examples: HeadExamples, rows: FittingRows, classes: Mapping[str, np.ndarray], chosen: np.ndarray, seed: int
) -> EmbeddingRows:
    """The rows of the `chosen` items (`[items] bool`) and of their altered copies, renumbered from 0.

    `classes` has for each attribute `[items]` class numbers, −1 for none.
    """
    used = np.flatnonzero(chosen[rows.items])
    items = rows.items[used]
    position = np.full(examples.count, -1)
    # Backwards, so that an item's own row, which comes first, wins over its copies.
    position[items[::-1]] = np.arange(len(used))[::-1]
    partners = _partners(examples, seed)
    partner_rows = np.where(partners >= 0, position[partners], -1)[items]
    return EmbeddingRows(
        rows.coordinates[used], {name: numbers[items] for name, numbers in classes.items()}, partner_rows
    )


def _partners(examples: HeadExamples, seed: int) -> np.ndarray:
    """For each item another one that it belongs with: one it was paired with, else a variant, else −1."""
    generator = np.random.default_rng(seed)
    partners = np.full(examples.count, -1)
    families = examples.family_numbers()
    order = np.lexsort((generator.random(examples.count), families))
    same = families[order[1:]] == families[order[:-1]]
    partners[order[:-1][same]] = order[1:][same]
    pairs = generator.permutation(np.asarray(examples.positive_pairs, np.int64).reshape(-1, 2))
    for first, second in ((1, 0), (0, 1)):
        partners[pairs[:, first]] = pairs[:, second]
    return partners
