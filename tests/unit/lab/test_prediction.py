"""First items of users: nothing they have, ties in one order, and the same whatever the batch."""

import numpy as np
import pytest

from lab.evaluation.prediction import BATCH, first_rows, order_of_ties, rankings
from lab.leaderboard.histories import Histories

ITEMS = 40


class Factors:
    """Products whose rounding depends on the shape, with items that are the same but for rounding."""

    def __init__(self):
        random = np.random.default_rng(0)
        items = random.standard_normal((ITEMS // 2, 48)).astype(np.float32)
        self.items = np.concatenate([items, items * np.float32(1.0 + 1e-7)])

    def score(self, histories):
        return np.asarray((histories.matrix() @ self.items) @ self.items.T, np.float32)


def ranked(model, histories, top=10, users=None):
    asked = histories if users is None else histories.take(np.array(users))
    found = rankings(model, asked, order_of_ties(histories), top, lambda what, done, total: None)
    return [(list(each.rows), list(each.scores)) for each in found]


@pytest.fixture
def histories():
    random = np.random.default_rng(1)
    return Histories.of([random.integers(0, ITEMS, random.integers(0, 9)) for _ in range(BATCH + 40)], ITEMS)


def test_a_users_items_are_the_same_whatever_the_batch(histories):
    everyone = ranked(Factors(), histories)
    for users in ([7], [BATCH + 3, 0, 19], list(range(len(histories)))[::-1]):
        assert ranked(Factors(), histories, users=users) == [everyone[user] for user in users]


def test_what_a_user_has_is_never_returned_and_every_place_is_filled(histories):
    for user, (rows, scores) in enumerate(ranked(Factors(), histories)):
        assert len(rows) == len(set(rows)) == 10
        assert not set(rows) & set(histories.of_user(user).tolist())
        assert scores == sorted(scores, reverse=True)


def test_there_are_fewer_items_only_where_there_are_no_more(histories):
    for user, (rows, _) in enumerate(ranked(Factors(), histories, top=1_000)):
        assert len(rows) == ITEMS - len(set(histories.of_user(user).tolist()))


def test_ties_go_to_the_item_with_more_users_and_then_to_the_first():
    ties = order_of_ties(Histories.of([[2, 3], [3, 1, 1]], 5))
    assert list(np.argsort(ties)) == [3, 1, 2, 0, 4]
    scores = np.array([0.0, 1.0, 0.0, 0.0, -np.inf])
    assert list(first_rows(scores, ties, 3)) == [1, 3, 2]
    assert list(first_rows(scores, ties, 9)) == [1, 3, 2, 0]


def test_items_that_differ_by_rounding_alone_are_ties():
    class Noisy:
        def score(self, histories):
            return np.tile(np.array([0.5, 0.5 + 2e-7, 0.5 - 2e-7], np.float32), (len(histories), 1))

    assert ranked(Noisy(), Histories.of([[]], 3), top=3)[0][0] == [0, 1, 2]


def test_scores_keep_their_scale():
    class Large:
        def score(self, histories):
            return np.tile(np.array([123456.0, -20.0, 0.0], np.float32), (len(histories), 1))

    rows, scores = ranked(Large(), Histories.of([[]], 3), top=3)[0]
    assert rows == [0, 2, 1]
    np.testing.assert_allclose(scores, [123456.0, 0.0, -20.0], atol=5.0)


def test_nobody_is_nothing():
    assert ranked(Factors(), Histories.of([], ITEMS)) == []
