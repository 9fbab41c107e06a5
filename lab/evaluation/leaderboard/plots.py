"""The leaderboard's plots."""

from functools import partial
from typing import Any

from matplotlib.axes import Axes

from lab.reporting.drawing import COLOURS, Found, drawn, legend, plain

LEAST = 0.01
"""Nothing is left of this on a logarithmic axis: a model that costs nothing still has its place."""


def all_plots(result: Found) -> list[tuple[str, str]]:
    """Title and SVG of every plot for which there are figures."""
    made = []
    for name, found in result.get("sequences", {}).items():
        made += [
            (f"Next item, NDCG@10: {name}", drawn(partial(_bars, "ndcg_10"), found)),
            (f"Quality and cost: {name}", drawn(partial(_against, "cpu_seconds", "CPU seconds of training"), found)),
            (f"Quality and size: {name}", drawn(partial(_against, "numbers", "numbers in the model"), found)),
            (f"Training and held-out: {name}", drawn(_gaps, found)),
            (f"What is shown: {name}", drawn(_shown, found)),
            (f"New users: {name}", drawn(_cold, found)),
        ]
    for name, found in result.get("profiles", {}).items():
        made.append((f"New users' items, NDCG@100: {name}", drawn(partial(_bars, "ndcg_100"), found)))
    return [(title, svg) for title, svg in made if svg]


def _bars(figure: str, found: Found, axes: Axes) -> bool:
    """A point with its interval for each model, the best on top."""
    rows = list(reversed(found["rows"]))
    for place, row in enumerate(rows):
        each = row[figure]
        axes.hlines(place, each["low"], each["high"], color=COLOURS[0], linewidth=2.5, alpha=0.6)
        axes.plot([each["mean"]], [place], "o", color=COLOURS[0])
    axes.set_yticks(range(len(rows)), [row["model"] for row in rows])
    axes.set_xlim(left=0)
    return bool(rows)


def _against(figure: str, label: str, found: Found, axes: Axes) -> bool:
    """Quality against what it costs."""
    rows = found["rows"]
    for place, row in enumerate(rows):
        at = max(row[figure], LEAST), row["ndcg_10"]["mean"]
        axes.plot(*at, "o", color=COLOURS[place % len(COLOURS)])
        axes.annotate(row["model"], at, (4, 3), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", xlabel=label, ylabel="NDCG@10")
    plain(axes.xaxis)
    axes.set_ylim(bottom=0)
    return bool(rows)


def _gaps(found: Found, axes: Axes) -> bool:
    """Two bars a model: over-fitting to see."""
    rows = list(reversed(found["rows"]))
    places = range(len(rows))
    for shift, figure, label in (
        (0.2, [row["ndcg_10"]["mean"] for row in rows], "held out"),
        (-0.2, [row["train_ndcg_10"] for row in rows], "on training"),
    ):
        axes.barh([place + shift for place in places], figure, 0.38, label=label)
    axes.set_yticks(list(places), [row["model"] for row in rows])
    axes.set_xlabel("NDCG@10")
    legend(axes)
    return bool(rows)


def _shown(found: Found, axes: Axes) -> bool:
    """How many of the items are shown to anyone, and how popular they are."""
    rows: list[dict[str, Any]] = found["rows"]
    for place, row in enumerate(rows):
        at = (row["coverage"], row["popularity_of_shown"])
        axes.plot(*at, "o", color=COLOURS[place % len(COLOURS)])
        axes.annotate(row["model"], at, (4, 3), textcoords="offset points", fontsize=7)
    axes.set(xlabel="share of the items that are shown", ylabel="popularity of what is shown, 0 to 1")
    axes.set_xlim(0, 1.08)
    axes.set_ylim(0, 1.05)
    return bool(rows)


def _cold(found: Found, axes: Axes) -> bool:
    curves = found.get("cold_users") or {}
    for place, (model, points) in enumerate(curves.items()):
        given = [point["given"] for point in points]
        axes.plot(given, [point["ndcg_10"]["mean"] for point in points], "o-", color=COLOURS[place], label=model)
        low, high = ([point["ndcg_10"][name] for point in points] for name in ("low", "high"))
        axes.fill_between(given, low, high, color=COLOURS[place], alpha=0.2, linewidth=0)
    for points in list(curves.values())[:1]:
        given = [point["given"] for point in points]
        axes.plot(given, [point["popularity_ndcg_10"]["mean"] for point in points], "--", label="popularity")
    axes.set(xlabel="items given", ylabel="NDCG@10 of the next")
    axes.set_ylim(bottom=0)
    legend(axes)
    return bool(curves)
