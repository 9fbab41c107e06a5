import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.item_vision.model import near_duplicates
from services.item_vision.model.near_duplicates import (
    NearDuplicateRule,
    near_duplicate_clusters,
    near_duplicates_of,
)
from services.item_vision.training.near_duplicates import PictureSet, measure_near_duplicates


def by_definition(features: np.ndarray, hashes: np.ndarray, rule: NearDuplicateRule) -> np.ndarray:
    """Clusters by following every pair in plain Python until nothing changes."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    labels = list(range(len(features)))
    changed = True
    while changed:
        changed = False
        for left in range(len(features)):
            for right in range(left):
                near = bin(int(hashes[left]) ^ int(hashes[right])).count("1") <= rule.hash_bits
                if near and unit[left] @ unit[right] >= rule.cosine and labels[left] != labels[right]:
                    labels[left] = labels[right] = min(labels[left], labels[right])
                    changed = True
    return np.array(labels)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 40), st.integers(0, 1000), st.integers(2, 9), st.booleans())
def test_clusters_are_what_the_definition_says_in_blocks_of_any_size(count, seed, block, dense):
    generator = np.random.default_rng(seed)
    features = generator.normal(0, 1, (count, 3)).astype(np.float32)
    hashes = generator.integers(0, 8, count).astype(np.uint64)
    rule = NearDuplicateRule(0.8, 2 if dense else 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "BLOCK_ROWS", block)
        clusters = near_duplicate_clusters(features, hashes, rule)
    np.testing.assert_array_equal(clusters, by_definition(features, hashes, rule))


def test_pictures_must_agree_in_both_features_and_hash():
    features = np.array([[1, 0], [1, 0.01], [0, 1], [1, 0]], np.float32)
    hashes = np.array([0b1111, 0b1110, 0b1111, 0xFFFF0000], np.uint64)
    clusters = near_duplicate_clusters(features, hashes, NearDuplicateRule(0.99, 2))
    assert clusters.tolist() == [0, 0, 2, 3]


def test_items_without_a_picture_are_like_nothing():
    clusters = near_duplicate_clusters(np.zeros((3, 4), np.float32), np.zeros(3, np.uint64), NearDuplicateRule())
    assert clusters.tolist() == [0, 1, 2]


def test_one_picture_finds_its_near_duplicates():
    features = np.array([[1, 0], [0.99, 0.01], [0, 1]], np.float32)
    hashes = np.array([0, 1, 0], np.uint64)
    rows = near_duplicates_of(np.array([1, 0.0], np.float32), 1, features, hashes, NearDuplicateRule(0.99, 1))
    assert rows.tolist() == [0, 1]


def test_the_measured_rule_recognises_copies_and_keeps_families_apart():
    generator = np.random.default_rng(0)
    features = np.abs(generator.normal(0, 1, (200, 64))).astype(np.float32)
    hashes = generator.integers(0, 2**63, 200).astype(np.uint64)
    rows = np.arange(100)
    copies = PictureSet(
        features[rows] + generator.normal(0, 0.1, (100, 64)).astype(np.float32), hashes[rows] ^ np.uint64(0b101)
    )
    rule, report = measure_near_duplicates(PictureSet(features, hashes), copies, rows, np.arange(200))
    assert report.copy_recall >= 0.98
    assert report.confused_share == 0
    assert 0.92 <= rule.cosine < 1
    assert rule.hash_bits == 2
