"""Measures from pictures and altered copies of them when two pictures count as the same."""

from dataclasses import dataclass

import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.near_duplicates import NearDuplicateRule, near_duplicate_pairs

# Never looser than this, however far copies stray: beyond it different products begin.
LEAST_COSINE, GREATEST_HASH_BITS = 0.92, 9


@dataclass(frozen=True)
class PictureSet:
    """Pictures as the near-duplicate rule sees them."""

    features: np.ndarray
    """`[n, width]` raw backbone features."""
    hashes: np.ndarray
    """`[n] uint64`."""


@dataclass(frozen=True)
class NearDuplicateReport:
    """How well the rule tells copies from other products."""

    cosine: float
    hash_bits: int
    copy_recall: float
    """Share of altered copies recognised; they were also used to choose the rule."""
    confused_share: float
    """Share of items that the rule joins with an item of another family. True copies in the shop count here too."""
    copy_count: int


def measure_near_duplicates(
    originals: PictureSet, copies: PictureSet, copy_rows: np.ndarray, families: np.ndarray, recall: float = 0.995
) -> tuple[NearDuplicateRule, NearDuplicateReport]:
    """The strictest rule that still recognises about `recall` of the copies.

    `copy_rows [copies]` says which original each copy shows; `families [n]` which originals are variants.
    """
    rows = np.asarray(copy_rows)
    unit, copied = normalise_rows(originals.features), normalise_rows(copies.features)
    cosines = np.einsum("ij,ij->i", unit[rows], copied)
    distances = np.bitwise_count(originals.hashes[rows] ^ copies.hashes)
    # Each of the two tests may lose half of what may be lost.
    lost = (1 - recall) / 2
    rule = NearDuplicateRule(
        cosine=float(max(np.floor(np.quantile(cosines, lost) * 1000) / 1000, LEAST_COSINE)),
        hash_bits=int(min(np.ceil(np.quantile(distances, 1 - lost)), GREATEST_HASH_BITS)),
    )
    recognised = (cosines >= rule.cosine) & (distances <= rule.hash_bits)
    pairs = near_duplicate_pairs(originals.features, originals.hashes, rule)
    confused = {row for pair in pairs if families[pair[0]] != families[pair[1]] for row in pair}
    report = NearDuplicateReport(
        cosine=rule.cosine,
        hash_bits=rule.hash_bits,
        copy_recall=float(recognised.mean()),
        confused_share=len(confused) / max(len(originals.features), 1),
        copy_count=len(rows),
    )
    return rule, report
