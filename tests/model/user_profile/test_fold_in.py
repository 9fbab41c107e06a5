"""The measures and the matrix they are taken on, held against plain arithmetic."""

import numpy as np
import pytest

from services.user_profile.model.interactions import InteractionVector
from services.user_profile.training.fold_in import FoldIn, best_items, ndcg_at, recall_at
from services.user_profile.training.interaction_matrix import InteractionMatrix


def matrix_of(*rows: dict[int, float], items: int = 6) -> InteractionMatrix:
    vectors = [
        InteractionVector(np.array(sorted(row), np.int32), np.array([row[key] for key in sorted(row)], np.float32))
        for row in rows
    ]
    return InteractionMatrix.of(vectors, items)


def test_ndcg_and_recall_by_hand():
    scores = np.array([[0.9, 0.8, 0.7, 0.1]], np.float32)
    relevant, counts = np.array([[False, True, False, True]]), np.array([2])
    hits = np.take_along_axis(relevant, best_items(4, scores), axis=1)
    # Hits at places 2 and 4 of an ideal 1 and 2.
    ideal = 1.0 + 1.0 / np.log2(3)
    assert ndcg_at(4, hits, counts)[0] == pytest.approx((1.0 / np.log2(3) + 1.0 / np.log2(5)) / ideal)
    assert ndcg_at(3, hits, counts)[0] == pytest.approx((1.0 / np.log2(3)) / ideal)
    assert recall_at(3, hits, counts)[0] == pytest.approx(0.5)
    assert recall_at(1, hits[:, ::-1], counts)[0] == 1.0


def test_the_best_items_are_those_of_a_full_sort():
    scores = np.random.default_rng(5).permutation(900).reshape(9, 100).astype(np.float32)
    for k in (1, 20, 100, 150):
        assert np.array_equal(best_items(k, scores), np.argsort(-scores, axis=1)[:, :k])
    assert best_items(3, np.zeros((1, 3), np.float32)).tolist() == [[0, 1, 2]]


def test_rows_masks_inputs_and_targets_keep_what_belongs_together():
    matrix = matrix_of({0: 3.0, 4: 4.0}, {}, {1: 2.0}, {2: 1.0, 3: 2.0, 5: 3.0})
    assert (len(matrix), matrix.sizes.tolist()) == (3, [2, 1, 3])
    assert matrix.dense("l2")[0].tolist() == pytest.approx([0.6, 0, 0, 0, 0.8, 0])
    assert matrix.dense("l1")[0].tolist() == pytest.approx([3 / 7, 0, 0, 0, 4 / 7, 0])
    assert matrix.targets().sum(axis=1).tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert matrix.targets()[2].tolist() == pytest.approx([0, 0, 0.5, 1.0, 0, 1.5])
    turned = matrix.rows(np.array([2, 0]))
    assert np.array_equal(turned.dense("l2"), matrix.dense("l2")[[2, 0]])
    masked = matrix.masked(np.array([True, False, False, False, True, True]))
    assert (masked.sizes.tolist(), masked.columns.tolist()) == ([1, 0, 2], [0, 3, 5])
    assert matrix.popularity().tolist() == [1, 1, 1, 1, 1, 1]


def test_a_split_gives_and_holds_back_at_least_one_item_and_loses_none():
    random = np.random.default_rng(3)
    users = matrix_of(*(dict.fromkeys(range(count), 1.0) for count in (1, 2, 5, 6)))
    folds = FoldIn.split(users, random)
    assert folds.given.sizes.tolist() == [1, 4, 5]
    assert folds.held_back.sizes.tolist() == [1, 1, 1]
    assert not (folds.given.indicator() & folds.held_back.indicator()).any()


def test_a_scorer_that_knows_is_perfect_and_given_items_are_not_recommended_again():
    folds = FoldIn.split(matrix_of({0: 1.0, 1: 1.0, 2: 1.0}, {3: 1.0, 4: 1.0}), np.random.default_rng(0))
    knowing = folds.measure(lambda given: folds.held_back.indicator() + 5.0 * given.indicator())
    assert knowing == {"ndcg_100": 1.0, "recall_20": 1.0}
