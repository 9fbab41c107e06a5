"""Parts about pictures: class folders, and Fashion-MNIST."""

from collections.abc import Sequence
from functools import partial

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import Found, Plot, Shown, of_each, plot, told, whisker_plot, words
from lab.reporting.markdown import interval, table
from lab.reporting.plots import reliability


def _images(report: Report) -> Shown:
    found = report.figures
    figures = _with_intervals(found)
    rows = [(words(name), interval(each, 3)) for name, each in figures.items()]
    line = told(report, [f"{found['pictures']:,} pictures", f"{found['classes']} classes"])
    shown = table(("on pictures held out", "figure"), rows)
    named = {words(name): each for name, each in figures.items() if "gain" not in name}
    plots = whisker_plot("Pictures", named, "share, or mean precision")
    return f"{line}\n\n{shown}", [*plots, *_reliability(found.get("reliability", ()))]


def _fashion(report: Report) -> Shown:
    found = report.figures
    rows = [
        (words(name), interval(found["held_out"][name], 4), interval(each, 4))
        for name, each in _with_intervals(found["test"]).items()
    ]
    line = told(report, [f"{found['pictures']:,} pictures learnt from"])
    shown = table(("measure", "kept aside", "test pictures"), rows)
    return f"{line}\n\n{shown}", _reliability(found.get("reliability", ()))


def _with_intervals(found: Found) -> dict[str, Found]:
    return {name: each for name, each in found.items() if isinstance(each, dict) and "low" in each}


def _reliability(bins: Sequence[Found]) -> list[Plot]:
    return plot("Said and happened: pictures", partial(reliability, [dict(each) for each in bins]))


images = of_each(
    "Pictures in class folders", "On pictures that a network has not seen; intervals are 95 %, over pictures.", _images
)
fashion = of_each("Fashion-MNIST", "A small network from scratch; intervals are 95 %, over pictures.", _fashion)
