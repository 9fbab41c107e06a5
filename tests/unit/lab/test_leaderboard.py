"""The leaderboard: what is counted of a model's answers, rows in order, new users, a page that holds it all."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lab.evaluation import cold_users
from lab.evaluation.leaderboard import sequences
from lab.evaluation.leaderboard.judging import judge
from lab.evaluation.leaderboard.parts import parts
from lab.evaluation.leaderboard.tables import head
from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.leaderboard.ranking import ranks_of
from lab.reporting.page import page_of_parts
from lab.reporting.writing import write_page

ITEMS = 30


@dataclass(frozen=True)
class Fixed:
    """Scores that are given."""

    scores: NDArray[np.float32]

    def score(self, histories: Histories) -> NDArray[np.float32]:
        return np.tile(self.scores, (len(histories), 1))


def chains(users: int = 120, length: int = 7, seed: int = 3) -> Histories:
    """Users who go from an item to the next one, most of the time."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(users):
        start = int(random.integers(0, ITEMS))
        rows.append([(start + step + int(random.random() < 0.1)) % ITEMS for step in range(length)])
    return Histories.of(rows, ITEMS)


def test_a_tie_has_the_mean_rank_and_used_items_have_none() -> None:
    histories = Histories.of([[0, 1]], 5)
    scores = np.array([[9.0, 8.0, 1.0, 1.0, 1.0]], np.float32)
    assert ranks_of(scores, histories, np.array([3], np.int32)).tolist() == [2.0]


def test_a_target_is_ranked_even_when_it_was_used_before() -> None:
    histories = Histories.of([[0, 1]], 3)
    scores = np.array([[9.0, 8.0, 1.0]], np.float32)
    assert ranks_of(scores, histories, np.array([1], np.int32)).tolist() == [1.0]


def test_coverage_and_popularity_are_of_what_is_shown() -> None:
    histories = Histories.of([[0], [0]], 20)
    found = judge(Fixed(np.arange(20, 0, -1).astype(np.float32)), histories, np.array([1, 19], np.int32))
    assert found.coverage == pytest.approx(10 / 20)
    assert found.ranks.tolist() == [1.0, 19.0]
    popular_first = np.arange(20, 0, -1)
    assert found.popularity(popular_first) > 0.7
    assert found.popularity(popular_first[::-1]) < 0.3


def test_rows_come_best_first_with_paired_differences() -> None:
    found = sequences.compare(chains(), None, sequences.Options(("popularity", "ease"), {}), lambda *_: None)
    assert [row["model"] for row in found["rows"]] == ["ease", "popularity"]
    assert found["held_against"] == "ease"
    best, least = found["rows"]
    assert best["difference_in_ndcg_10"] is None
    assert least["difference_in_ndcg_10"]["high"] < 0
    assert best["ndcg_10"]["low"] <= best["ndcg_10"]["mean"] <= best["ndcg_10"]["high"]


def test_new_users_are_not_trained_on_and_are_the_same_at_every_point() -> None:
    histories = chains(users=200)
    split = cold_users.NewUsers.split(histories, seed=1)
    assert len(split.new) == 20
    assert len(split.known) + len(split.new) == len(histories)
    points = cold_users.curve("ease", split, Training())
    assert [point["given"] for point in points] == list(cold_users.GIVEN)
    assert {point["ndcg_10"]["users"] for point in points} == {20}
    assert points[0]["gain_in_ndcg_10"]["low"] > 0


def test_the_report_holds_tables_plots_and_json(tmp_path: Path) -> None:
    compared = sequences.compare(
        chains(length=10), None, sequences.Options(("popularity", "ease"), {}, cold=("ease",)), lambda *_: None
    )
    found = {
        "date": "2026-01-01T00:00:00+00:00",
        "command": "vitrine evaluate leaderboard",
        "machine": {"cores": 2, "memory_gib": 8.0},
        "sequences": {"chains": compared},
    }
    path = tmp_path / "leaderboard.html"
    made = parts(found)
    write_page(path, found, page_of_parts("Which model serves best", head(found), made))
    page = path.read_text("utf-8")
    assert page.count("<svg") == len(made[0].plots) == 6
    assert "popularity" in page and "gain over popularity" in page
    assert json.loads((tmp_path / "leaderboard.json").read_text("utf-8"))["sequences"]["chains"] == compared


def test_nobody_with_enough_items_leaves_no_curve() -> None:
    split = cold_users.NewUsers.split(chains(length=3), seed=1)
    assert cold_users.curve("ease", split, Training()) == []
