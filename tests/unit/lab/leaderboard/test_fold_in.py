"""How profiles are parted and measured, against plain arithmetic."""

import numpy as np
import pytest

from lab.leaderboard.fold_in import FoldIn, distinct, folds
from lab.leaderboard.histories import Histories


def histories(users: int = 40, items: int = 30, seed: int = 1) -> Histories:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 15, users)
    return distinct(Histories.of([random.choice(items, size, replace=False).tolist() for size in sizes], items))


class Fixed:
    """The same scores for everybody."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = np.array(scores, np.float32)

    def score(self, given: Histories) -> np.ndarray:
        return np.tile(self.scores, (len(given), 1))


def test_a_profile_has_each_item_once_and_no_order():
    found = distinct(Histories.of([[4, 1, 4], [], [2, 0]], 5))
    assert [found.of_user(user).tolist() for user in range(3)] == [[1, 4], [], [0, 2]]


def test_four_fifths_are_given_and_nothing_is_lost():
    whole = histories()
    fold = FoldIn.split(whole, np.random.default_rng(3))
    able = whole.take(np.flatnonzero(whole.sizes >= 2))
    assert len(fold.given) == len(able)
    for user in range(len(able)):
        given, held_back = (set(part.of_user(user).tolist()) for part in (fold.given, fold.held_back))
        assert not given & held_back
        assert given | held_back == set(able.of_user(user).tolist())
        size = len(given | held_back)
        assert len(given) == min(max(round(size * 0.8), 1), size - 1)


def test_measures_by_hand():
    fold = FoldIn(Histories.of([[0]], 5), Histories.of([[2, 4]], 5))
    found = fold.measure(Fixed([9.0, 4.0, 3.0, 2.0, 1.0]))
    # The given item does not count: places 2 and 4 of an ideal 1 and 2.
    ideal = 1.0 + 1.0 / np.log2(3)
    assert found["ndcg_100"][0] == pytest.approx((1.0 / np.log2(3) + 1.0 / np.log2(5)) / ideal)
    assert found["recall_20"][0] == found["recall_50"][0] == 1.0


def test_recall_is_of_what_could_be_found():
    scores = np.arange(300, 0, -1).tolist()
    fold = FoldIn(Histories.of([[299]], 300), Histories.of([list(range(10, 70))], 300))
    found = fold.measure(Fixed(scores))
    assert found["recall_20"][0] == pytest.approx(10 / 20)
    assert found["recall_50"][0] == pytest.approx(40 / 50)


def test_measuring_leaves_the_models_own_scores_alone():
    class Keeping:
        kept = np.ones((1, 5), np.float32)

        def score(self, given: Histories) -> np.ndarray:
            return self.kept

    fold = FoldIn(Histories.of([[0]], 5), Histories.of([[2]], 5))
    assert fold.ndcg(Keeping()) == fold.ndcg(Keeping())
    assert (Keeping.kept == 1.0).all()


def test_nobody_judges_twice_and_no_judge_is_learnt_from():
    whole = histories(users=50)
    whole = whole.take(np.flatnonzero(whole.sizes >= 2))
    parts = folds(whole, 4, 6, seed=2)
    judges = [
        frozenset(fold.judging.given.of_user(user).tolist() + fold.judging.held_back.of_user(user).tolist())
        for fold in parts
        for user in range(6)
    ]
    assert len(judges) == 24
    everyone = sorted(sorted(whole.of_user(user).tolist()) for user in range(len(whole)))
    for number, fold in enumerate(parts):
        learnt = [sorted(fold.training.of_user(user).tolist()) for user in range(len(fold.training))]
        judged = [sorted(each) for each in judges[number * 6 : number * 6 + 6]]
        assert sorted(learnt + judged) == everyone


def test_the_same_seed_makes_the_same_folds():
    first, again, other = (folds(histories(), 2, 5, seed)[1] for seed in (7, 7, 8))
    assert np.array_equal(first.judging.given.rows, again.judging.given.rows)
    assert not np.array_equal(first.judging.given.rows, other.judging.given.rows)
