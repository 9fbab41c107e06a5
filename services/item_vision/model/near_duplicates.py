"""Near-identical pictures: the same photograph scaled, recompressed, cropped or brightened.

A pair counts when both agree: the raw backbone features (what is shown) and the difference hash (where light
and dark are). Either alone errs: features call two shirts of one cut and colour alike, the hash does not see
colour at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.item_vision.model.encoders import normalise_rows

BLOCK_ROWS = 2048
# Above this share of candidates in a block one matrix product is cheaper than gathering the pairs.
DENSE_SHARE = 0.02


@dataclass(frozen=True)
class NearDuplicateRule:
    """When two pictures count as the same; measured in training, shipped in the release."""

    cosine: float = 0.94
    """Least cosine of the raw backbone features."""
    hash_bits: int = 8
    """Most differing bits of the 64-bit perceptual hashes."""


def near_duplicate_clusters(features: np.ndarray, hashes: np.ndarray, rule: NearDuplicateRule) -> np.ndarray:
    """For every picture the smallest row of its cluster, `[n] int64`; its own row when it is alone.

    Clusters are the connected components of near-identical pairs: exact, over all pairs, in blocks.
    `features` `[n, width]` need not be normalised; a row of zeros (no picture) is like nothing. `hashes` `[n]
    uint64`.
    """
    parents = np.arange(len(features))
    for left, right in near_duplicate_pairs(features, hashes, rule):
        _unite(parents, left, right)
    return np.array([_root(parents, row) for row in range(len(parents))], np.int64)


def near_duplicates_of(
    feature: np.ndarray,
    perceptual_hash: int,
    features: np.ndarray,
    hashes: np.ndarray,
    rule: NearDuplicateRule,
) -> np.ndarray:
    """Ascending rows among `features` that are near-identical to one picture (`feature [width]`)."""
    close = np.flatnonzero(np.bitwise_count(hashes ^ np.uint64(perceptual_hash)) <= rule.hash_bits)
    cosines = normalise_rows(features[close]) @ normalise_rows(feature[None])[0]
    rows: np.ndarray = close[cosines >= rule.cosine]
    return rows


def near_duplicate_pairs(
    features: np.ndarray, hashes: np.ndarray, rule: NearDuplicateRule
) -> Iterator[tuple[int, int]]:
    """All pairs of rows (smaller first) that are near-identical."""
    unit = normalise_rows(features)
    starts = range(0, len(unit), BLOCK_ROWS)
    for start in starts:
        for other in range(start, len(unit), BLOCK_ROWS):
            block, other_block = slice(start, start + BLOCK_ROWS), slice(other, other + BLOCK_ROWS)
            distances = np.bitwise_count(hashes[block, None] ^ hashes[None, other_block])
            left, right = np.nonzero(distances <= rule.hash_bits)
            before = start + left < other + right
            left, right = left[before], right[before]
            alike = _cosines(unit[block], unit[other_block], left, right) >= rule.cosine
            yield from zip((start + left[alike]).tolist(), (other + right[alike]).tolist(), strict=True)


def _cosines(block: np.ndarray, other: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    cosines: np.ndarray
    if len(left) > DENSE_SHARE * len(block) * len(other):
        cosines = (block @ other.T)[left, right]
    else:
        cosines = np.einsum("ij,ij->i", block[left], other[right])
    return cosines


def _root(parents: np.ndarray, row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def _unite(parents: np.ndarray, left: int, right: int) -> None:
    left, right = _root(parents, left), _root(parents, right)
    parents[max(left, right)] = min(left, right)
