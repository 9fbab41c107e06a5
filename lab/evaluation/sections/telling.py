"""What parts of the page have in common: where figures come from, plots of intervals, a table for each report."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from lab.evaluation.reports import Report
from lab.reporting.drawing import drawn
from lab.reporting.markdown import interval
from lab.reporting.page import Part
from lab.reporting.plots import Whisker, whiskers

Found = Mapping[str, Any]
Plot = tuple[str, str]
Shown = tuple[str, list[Plot]]
"""Markdown and plots of one report."""
_SHORT = {"auc": "AUC", "ece": "ECE"}


def told(report: Report, more: Iterable[str] = ()) -> str:
    """One line: the command, the day, the machine, what else is to be known."""
    found = report.figures
    machine = found.get("machine") or {}
    words = [f"`{found['command']}`"] if found.get("command") else []
    words += [str(found["date"])[:10]] if found.get("date") else []
    words += [f"{machine['cores']} cores", f"{machine['memory_gib']} GiB"] if machine else []
    words += ["a simulated shop"] if found.get("simulated") else []
    return ", ".join([*words, *more]) + "."


def of_each(title: str, said: str, show: Callable[[Report], Shown]) -> Callable[[Sequence[Report]], Part]:
    """A part with the tables and plots of each report; `said` stands above them."""

    def part(reports: Sequence[Report]) -> Part:
        shown = [(report, *show(report)) for report in reports]
        several = len(reports) > 1
        markdown = [said, *(f"**{report.name}**\n\n{text}" if several else text for report, text, _ in shown)]
        plots = [
            (f"{name} ({report.name})" if several else name, svg) for report, _, found in shown for name, svg in found
        ]
        return Part(title, "\n\n".join(each for each in markdown if each), plots)

    return part


def plot(title: str, draw: Callable[[Axes], bool]) -> list[Plot]:
    """Title and SVG, or nothing when there is nothing to draw."""
    svg = drawn(lambda _, axes: draw(axes), {})
    return [(title, svg)] if svg else []


def whisker_plot(title: str, figures: Mapping[str, Found], label: str, line: float | None = None) -> list[Plot]:
    """Figures by name with their intervals, in their order."""

    def draw(axes: Axes) -> bool:
        axes.set_xlabel(label)
        rows = [Whisker.of(name, dict(found)) for name, found in figures.items() if interval(found)]
        return bool(rows) and whiskers(rows, axes, line)

    return plot(title, draw)


def words(name: str) -> str:
    """A key as people write it."""
    return " ".join(_SHORT.get(word, word) for word in name.replace("map_at_10", "mAP@10").split("_"))


def counted(count: int, thing: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def verdict(found: Found) -> str:
    """What a gain's interval says."""
    if found["low"] is None:
        return "not measured"
    if found["low"] > 0:
        return "yes"
    return "it hurts" if found["high"] < 0 else "not shown"
