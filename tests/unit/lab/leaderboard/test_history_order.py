"""Looking at histories as a matrix changes nothing of their order."""

from lab.leaderboard.histories import Histories


def test_the_matrix_of_histories_leaves_their_order_alone():
    histories = Histories.of([[4, 1, 4, 0], [], [3, 2]], 5)
    matrix = histories.matrix()
    assert matrix.toarray().tolist() == [[1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 1, 0]]
    assert [histories.of_user(user).tolist() for user in range(3)] == [[4, 1, 4, 0], [], [3, 2]]
