"""What is said of candidate sources follows from whom they would have proposed what, worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from lab.evaluation.statistics import Interval
from lab.training.logged_pages import LoggedPage
from lab.training.model_card import source_lines
from lab.training.source_choice import SourceUnknownError, chosen_sources
from lab.training.source_figures import (
    CANDIDATES,
    JudgedPage,
    SourceFigures,
    SourceReport,
    judged_pages,
    measure_sources,
)
from services.ranker.source import Scored, Seeds, Source
from services.ranker.sources import SOURCE_NAMES
from services.ranker.visitor import RecentAction, Visitor
from services.ranker.vocabulary import Vocabulary

ITEMS = 2 * CANDIDATES
AT_US = 1_000
NAMES = [f"i{row:03}" for row in range(ITEMS)]
VOCABULARY = Vocabulary(NAMES, NAMES, *([""] * ITEMS for _ in range(4)))


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.evaluation.statistics.RESAMPLES", 50)


class Fixed(Source):
    """Proposes rows by a fixed order, the same to everyone, or by the visitor's newest item."""

    def __init__(self, order: Callable[[int], list[int]], uses_seeds: bool) -> None:
        super().__init__(VOCABULARY, {})
        self._order, self.uses_seeds = order, uses_seeds  # type: ignore[misc]

    def score(self, visitor: Visitor, seeds: Seeds, rows: np.ndarray | None = None) -> Scored:
        scores = np.full(ITEMS, -np.inf, np.float32)
        wanted = self._order(int(seeds.rows[0]) if len(seeds) else -1)
        scores[wanted] = -np.arange(len(wanted), dtype=np.float32)
        return Scored(scores)


def everyone(rows: list[int]) -> Source:
    return Fixed(lambda _: rows, uses_seeds=False)


def after(following: Callable[[int], list[int]]) -> Source:
    return Fixed(following, uses_seeds=True)


def visitor(*rows: int) -> Visitor:
    return Visitor(recent_actions=[RecentAction(NAMES[row], 4, 1.0) for row in rows])


def page(subject: int, clicked: list[int], *history: int) -> JudgedPage:
    return JudgedPage(subject, visitor(*history), np.array(clicked, np.int32), np.array(history, np.int32), AT_US)


def measure(sources: dict[str, Source], pages: list[JudgedPage]) -> SourceReport | None:
    return measure_sources(sources, pages, np.zeros(ITEMS, np.int64))


def figures(report: SourceReport | None) -> dict[str, SourceFigures]:
    assert report is not None
    return {each.name: each for each in report.sources}


def test_a_source_that_foresees_every_click_is_above_popularity() -> None:
    pages = [page(user, [user + 100], user) for user in range(20)]
    report = measure({"popular": everyone(list(range(300, 600))), "item_cf": after(lambda row: [row + 100])}, pages)
    found = figures(report)["item_cf"]
    assert (found.recall, found.ndcg) == (1.0, 1.0)
    assert found.recall_gain == Interval(1.0, 1.0, 1.0, 20)
    assert figures(report)["popular"].recall == 0.0
    assert figures(report)["popular"].recall_gain.mean == 0.0


def test_the_place_of_a_click_is_discounted_and_places_after_the_tenth_count_nothing() -> None:
    second = measure({"popular": everyone([5, 6, 7])}, [page(1, [6])])
    assert figures(second)["popular"].ndcg == pytest.approx(1.0 / np.log2(3.0))
    two = measure({"popular": everyone([5, 6, 7])}, [page(1, [5, 7])])
    assert figures(two)["popular"].ndcg == pytest.approx((1.0 + 0.5) / (1.0 + 1.0 / np.log2(3.0)))
    eleventh = measure({"popular": everyone(list(range(20)))}, [page(1, [10])])
    assert (figures(eleventh)["popular"].ndcg, figures(eleventh)["popular"].recall) == (0.0, 1.0)


def test_only_three_hundred_candidates_are_looked_at() -> None:
    order = list(range(ITEMS))
    report = measure({"popular": everyone(order)}, [page(1, [CANDIDATES - 1]), page(2, [CANDIDATES])])
    assert figures(report)["popular"].recall == 0.5


def test_who_opens_many_pages_does_not_count_more() -> None:
    pages = [*(page(1, [5]) for _ in range(9)), page(2, [400])]
    assert figures(measure({"popular": everyone([5])}, pages))["popular"].recall == 0.5


def test_a_source_is_judged_on_visitors_it_can_answer_and_popularity_beside_it_on_the_same() -> None:
    known, unknown = page(1, [101], 1), page(2, [5])
    sources = {"popular": everyone([5]), "item_cf": after(lambda row: [row + 100])}
    found = figures(measure(sources, [known, unknown]))
    assert (found["item_cf"].recall, found["item_cf"].recall_gain.users) == (1.0, 1)
    assert found["item_cf"].recall_gain.mean == 1.0  # popularity finds nothing for the visitor who is known
    assert found["popular"].recall == 0.5
    assert "item_cf" not in figures(measure(sources, [unknown]))


def test_the_union_gives_every_source_its_turn_and_says_what_each_adds() -> None:
    junk = list(range(300, 600))
    sources = {"popular": everyone([5, *junk]), "item_cf": after(lambda row: [row + 100]), "visual": everyone(junk)}
    report = measure(sources, [page(user, [user + 100, 5], user) for user in range(10, 20)])
    found = figures(report)
    assert report is not None
    assert report.union_recall.mean == 1.0
    assert (found["popular"].adds.mean, found["item_cf"].adds.mean, found["visual"].adds.mean) == (0.5, 0.5, 0.0)
    crowded = {"popular": everyone(list(range(300))), "visual": everyone(junk)}
    late = figures(measure(crowded, [page(1, [299])]))
    assert late["visual"].adds.mean == -1.0  # it takes places of those who knew better


def test_only_items_that_are_new_to_the_visitor_and_were_there_are_judged_and_proposed() -> None:
    logged = LoggedPage(
        event=0,
        subject=7,
        occurred_us=AT_US,
        items=np.array([1, 2, 3, 4], np.int32),
        rows=np.zeros(4, np.int32),
        columns=np.arange(4, dtype=np.int32),
        clicked=np.array([True, True, True, False]),
        purchased=np.zeros(4, np.bool_),
    )
    created_us = np.zeros(ITEMS, np.int64)
    created_us[[3, 9]] = AT_US + 1
    (judged,) = judged_pages([(logged, visitor(1))], VOCABULARY, created_us)
    assert judged.clicked.tolist() == [2]
    assert np.flatnonzero(~judged.allowed(created_us)).tolist() == [1, 3, 9]
    report = measure_sources({"popular": everyone([1, 3, 9, 2])}, [judged], created_us)
    assert figures(report)["popular"].ndcg == 1.0
    assert judged_pages([(logged, visitor(1, 2))], VOCABULARY, created_us) == []
    assert measure({"popular": everyone([1])}, []) is None


def test_metrics_name_every_figure_and_its_interval() -> None:
    pages = [page(1, [101], 1)]
    report = measure({"popular": everyone([5]), "item_cf": after(lambda row: [row + 100])}, pages)
    assert report is not None
    metrics = report.metrics()
    assert metrics["item_cf.recall_300"] == metrics["union.recall_300"] == metrics["pages"] == 1.0
    assert metrics["item_cf.above_popular_ndcg_10_low"] == 1.0
    assert not any(name.startswith("popular.above") for name in metrics)


def card_of(recall: tuple[float, float], ndcg: tuple[float, float]) -> str:
    gains = [Interval(sum(each) / 2, *each, users=9) for each in (recall, ndcg)]
    one = SourceFigures("visual", 0.3, 0.1, gains[0], gains[1], Interval(0.0, -0.1, 0.1, 9))
    return "\n".join(source_lines(SourceReport([one], Interval(0.5, 0.4, 0.6, 9), 12)))


def test_the_card_says_what_is_below_its_baseline() -> None:
    assert "| above |" in card_of((0.1, 0.2), (0.1, 0.2))
    assert "| **below** |" in card_of((-0.2, -0.1), (-0.2, -0.1))
    assert "| not told apart |" in card_of((-0.1, 0.2), (0.0, 0.2))
    assert "| recall above, NDCG **below** |" in card_of((0.1, 0.2), (-0.2, -0.1))
    assert "Not measured" in "\n".join(source_lines(None))


def test_chosen_sources_come_each_once_in_order_and_with_the_one_that_is_always_there() -> None:
    assert chosen_sources(["two_tower", "item_cf", "two_tower"]) == ("item_cf", "two_tower", "popular")
    assert chosen_sources(SOURCE_NAMES) == SOURCE_NAMES
    assert chosen_sources(["popularity", "als"]) == ("als", "popular")
    with pytest.raises(SourceUnknownError, match="no candidate source 'itemcf'; the sources are item_cf, user_cf"):
        chosen_sources(["itemcf"])
    with pytest.raises(SourceUnknownError, match="sasrec is on the leaderboard only"):
        chosen_sources(["sasrec"])
