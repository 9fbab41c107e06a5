"""Plots that reports share: names that do not cover each other, figures in their order."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lab.evaluation.leaderboard.plots import sequence_plots
from lab.reporting.drawing import plain
from lab.reporting.page import Part, page_of_parts
from lab.reporting.plots import Spot, Whisker, spots, whiskers

MODELS = ("popularity", "sequence_knn", "sequence_linear", "knowledge_graph", "two_tower", "ease", "als", "gru")


def test_names_of_near_points_cover_neither_each_other_nor_the_edge() -> None:
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    spots([Spot(name, 0.9 + 0.01 * (place % 2), 0.5 + 0.01 * place) for place, name in enumerate(MODELS)], axes)
    canvas.draw()
    # `get_window_extent` of an annotation has its line too; the text alone is asked for.
    boxes = [super(type(text), text).get_window_extent(canvas.get_renderer()) for text in axes.texts]
    assert sorted(text.get_text() for text in axes.texts) == sorted(MODELS)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 + 1 for box in boxes)


def test_the_first_figure_is_on_top_and_has_no_interval_where_none_was_measured() -> None:
    axes = Figure(figsize=(6.4, 3.4)).add_subplot()
    rows = [
        Whisker.of("first", {"mean": 0.3, "low": 0.2, "high": 0.4}),
        Whisker.of("second", {"value": 0.1, "low": None}),
    ]
    assert whiskers(rows, axes, line=0.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["second", "first"]
    assert (rows[1].low, rows[1].high) == (0.1, 0.1)
    assert not whiskers([], Figure().add_subplot())


@pytest.mark.parametrize(("curve", "drawn"), [([], 0), ([{"epoch": 2, "held_out": 0.04, "training": 0.2}], 1)])
def test_models_that_learn_in_epochs_have_curves(curve: list[dict], drawn: int) -> None:
    row = {
        "model": "gru", "ndcg_10": {"mean": 0.04, "low": 0.03, "high": 0.05}, "cpu_seconds": 0.0, "numbers": 12,
        "train_ndcg_10": 0.2, "coverage": 0.4, "popularity_of_shown": 0.9, "learning_curve": curve,
    }  # fmt: skip
    titles = [title for title, _ in sequence_plots({"rows": [row]})]
    assert titles.count("Learning curves") == drawn
    assert "New users" not in titles


def test_parts_can_be_linked_to_and_their_words_stand_above_their_tables() -> None:
    markdown = "Said first.\n\n**A table**\n\n| model |\n| --- |\n| ease |\n\n**Alone**\n\nWords under a title."
    page = page_of_parts("Which <one>", "Head.", [Part("Next item: a & b", markdown, [("Plot", "<svg></svg>")])])
    assert '<a href="#part-1">Next item: a &amp; b</a>' in page
    assert '<article id="part-1"><h2>Next item: a &amp; b</h2>' in page
    assert page.index("<p>Said first.</p>") < page.index("<h3>A table</h3>") < page.index("<svg>")
    assert "Words under a title." in page
    assert "Which &lt;one&gt;" in page


@pytest.mark.parametrize(("most", "between"), [(900.0, True), (9_000_000.0, False)])
def test_a_logarithmic_axis_writes_numbers_between_powers_of_ten_only_where_there_is_room(
    most: float, between: bool
) -> None:
    axes = Figure(figsize=(6.4, 3.4)).add_subplot()
    axes.set(xscale="log", xlim=(10.0, most))
    plain(axes.xaxis)
    assert axes.xaxis.get_major_formatter()(20_000.0) == "20,000"
    assert axes.xaxis.get_major_formatter()(0.05) == "0.05"
    assert bool(axes.xaxis.get_minor_formatter()(20.0)) == between


def test_what_is_long_may_break_and_figures_may_not() -> None:
    settings = ", ".join(f"recency_steps={number}" for number in range(5))
    page = page_of_parts("One", "Head.", [Part("A", f"| model | settings |\n| --- | --- |\n| ease | {settings} |")])
    assert f'<td class="long">{settings}</td>' in page
    assert "<td>ease</td>" in page
