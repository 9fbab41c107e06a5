"""The leaderboard's plots of one data set."""

from functools import partial
from typing import Any

from matplotlib.axes import Axes

from lab.evaluation.sections.telling import Plot, plot, whisker_plot
from lab.reporting.drawing import COLOURS, legend, plain
from lab.reporting.plots import ROW_HEIGHT, Spot, spots

Found = dict[str, Any]
LEAST = 0.01
"""Nothing is left of this on a logarithmic axis: a model that costs nothing still has its place."""


def sequence_plots(found: Found) -> list[Plot]:
    """Every plot for which there are figures."""
    rows = found["rows"]
    ndcg = {row["model"]: row["ndcg_10"] for row in rows}
    return [
        *whisker_plot("Next item", ndcg, "NDCG@10"),
        *plot("Quality and cost", partial(_against, rows, "cpu_seconds", "CPU seconds of choosing and training")),
        *plot("Quality and size", partial(_against, rows, "numbers", "numbers in the model")),
        *plot("Learning curves", partial(_curves, rows)),
        *plot("Training and held-out", partial(_gaps, rows)),
        *plot("Coverage and popularity bias", partial(_shown, rows)),
        *plot("New users", partial(_cold, found.get("cold_users") or {})),
    ]


def _against(rows: list[Found], figure: str, label: str, axes: Axes) -> bool:
    """Quality against what it costs."""
    points = [Spot(row["model"], max(row[figure], LEAST), row["ndcg_10"]["mean"]) for row in rows]
    axes.set(xscale="log", xlabel=label, ylabel="NDCG@10")
    for point in points:
        axes.plot(point.x, point.y, "")
    axes.margins(x=0.12)
    axes.set_ylim(0, max(point.y for point in points) * 1.15)
    plain(axes.xaxis)
    spots(points, axes)
    return bool(rows)


def _curves(rows: list[Found], axes: Axes) -> bool:
    """What models that learn in epochs reach on the way; the space between two lines of a colour is the gap."""
    learning = [row for row in rows if row.get("learning_curve")]
    for place, row in enumerate(learning):
        colour, curve = COLOURS[place % len(COLOURS)], row["learning_curve"]
        epochs = [point["epoch"] for point in curve]
        axes.plot(epochs, [point["held_out"] for point in curve], color=colour, label=row["model"])
        axes.plot(epochs, [point["training"] for point in curve], color=colour, linestyle=":")
    if learning:
        axes.plot([], [], color=COLOURS[-1], linestyle=":", label="on training items")
    axes.set(xlabel="epoch", ylabel="NDCG@10, held out and on training")
    axes.set_ylim(bottom=0)
    legend(axes, beside=True)
    return bool(learning)


def _gaps(rows: list[Found], axes: Axes) -> bool:
    """Two dots a model: over-fitting to see."""
    _as_tall(rows, axes)
    shown = list(reversed(rows))
    for place, row in enumerate(shown):
        axes.plot([row["ndcg_10"]["mean"], row["train_ndcg_10"]], [place, place], color=COLOURS[-1], linewidth=1.0)
    axes.plot([row["ndcg_10"]["mean"] for row in shown], range(len(rows)), "o", color=COLOURS[0], label="held out")
    axes.plot([row["train_ndcg_10"] for row in shown], range(len(rows)), "s", color=COLOURS[1], label="on training")
    axes.set_yticks(range(len(rows)), [row["model"] for row in shown])
    axes.set_xlabel("NDCG@10")
    legend(axes, beside=True)
    return bool(rows)


def _as_tall(rows: list[Found], axes: Axes) -> None:
    figure: Any = axes.get_figure()
    figure.set_size_inches(figure.get_size_inches()[0], max(ROW_HEIGHT * len(rows) + 0.8, 1.4))


def _shown(rows: list[Found], axes: Axes) -> bool:
    """How many of the items are shown to anyone, and how popular they are."""
    axes.set(xlabel="share of the items that are shown", ylabel="popularity of what is shown, 0 to 1")
    axes.set_xlim(0, 1.08)
    axes.set_ylim(0, 1.05)
    spots([Spot(row["model"], row["coverage"], row["popularity_of_shown"]) for row in rows], axes)
    return bool(rows)


def _cold(curves: Found, axes: Axes) -> bool:
    for place, (model, points) in enumerate(curves.items()):
        given = [point["given"] for point in points]
        axes.plot(given, [point["ndcg_10"]["mean"] for point in points], "o-", color=COLOURS[place], label=model)
        low, high = ([point["ndcg_10"][name] for point in points] for name in ("low", "high"))
        axes.fill_between(given, low, high, color=COLOURS[place], alpha=0.15, linewidth=0)
    for points in list(curves.values())[:1]:
        given = [point["given"] for point in points]
        popular = [point["popularity_ndcg_10"]["mean"] for point in points]
        axes.plot(given, popular, "--", color=COLOURS[-1], label="popularity")
        axes.set_xticks(given)
    axes.set(xlabel="items given", ylabel="NDCG@10 of the next")
    axes.set_ylim(bottom=0)
    legend(axes, beside=True)
    return any(curves.values())
