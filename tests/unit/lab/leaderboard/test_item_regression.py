"""The closed form among items and among users, against the definition and against each other."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories
from lab.leaderboard.item_regression import NoInverseError, solve
from lab.leaderboard.model import Training, train

RANDOM = np.random.default_rng(4)
PENALTIES = (RANDOM.random(12) + 0.5).astype(np.float32)
USER_WEIGHTS = (RANDOM.random(40) + 0.2).astype(np.float32)


def matrix(users: int, items: int = 12) -> csr_matrix:
    return csr_matrix((RANDOM.random((users, items)) < 0.4).astype(np.float32))


def weights_by_definition(x: np.ndarray, penalties: np.ndarray, user_weights: np.ndarray) -> np.ndarray:
    """Each item's ridge regression on the others, one item after another."""
    weights = np.zeros((x.shape[1], x.shape[1]))
    for item in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), item)
        gram = x[:, others].T @ (user_weights[:, None] * x[:, others]) + np.diag(penalties[others])
        weights[others, item] = np.linalg.solve(gram, x[:, others].T @ (user_weights * x[:, item]))
    return weights


@pytest.mark.parametrize("users", [8, 40])
def test_scores_are_those_of_each_items_regression_on_the_others(users):
    x, user_weights = matrix(users), USER_WEIGHTS[:users]
    asked = Histories.of([[0, 5, 7], [], [11], list(range(12))], 12)
    expected = asked.matrix() @ weights_by_definition(x.toarray().astype(np.float64), PENALTIES, user_weights)
    got = solve(x, PENALTIES, user_weights).score(asked)
    assert got == pytest.approx(expected, abs=1e-4)


def test_ease_says_the_same_with_more_users_and_with_more_items():
    rows = [np.flatnonzero(row).tolist() for row in matrix(10).toarray()]
    few = train("ease", Histories.of(rows, 12), Training(), {"regularisation": 2.0})
    doubled = train("ease", Histories.of(rows * 2, 12), Training(), {"regularisation": 4.0})
    asked = Histories.of([[1, 2], [9]], 12)
    assert type(few) is not type(doubled)
    assert few.score(asked) == pytest.approx(doubled.score(asked), abs=1e-4)


def test_penalties_that_leave_no_inverse_are_refused():
    with pytest.raises(NoInverseError, match="larger"):
        solve(matrix(40), np.full(12, -1e4, np.float32))
