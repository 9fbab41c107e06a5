"""Parts about clicks and purchases as probabilities: of a file's impressions, and of the fusion model's two heads."""

from collections.abc import Sequence
from functools import partial

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import Found, Plot, Shown, of_each, plot, told, verdict, whisker_plot, words
from lab.reporting.markdown import interval, table
from lab.reporting.plots import reliability

RIGHT = 1.0
"""Predicted over observed."""
HEADS = ("click", "purchase")


def _impressions(report: Report) -> Shown:
    held = report.figures["held_out"]
    counts = f"{held['impressions']:,} held-out impressions, {held['clicks']:,} clicks, {held['purchases']:,} purchases"
    rows = [(words(name), interval(figure, 5 if "loss" in name else 4)) for name, figure in held["measures"].items()]
    ratios = [{**each, **each["ratio"]} for each in held["calibration"]]
    shown = [told(report, [counts]), table(("of clicks and purchases", "held out"), rows), *_ratio_tables(ratios)]
    plots = _ratio_plots(ratios)
    for head, bins in report.figures.get("reliability", {}).items():
        plots += plot(f"Said and happened: {head}", partial(reliability, bins))
    return "\n\n".join(shown), plots


def _heads(report: Report) -> Shown:
    found = {head: report.figures[head] for head in HEADS if head in report.figures}
    held = f"{report.figures['held_out_impressions']:,} held-out impressions"
    rows, gains, ratios = [], [], []
    for head, figures in found.items():
        measures = {name: each for name, each in figures.items() if isinstance(each, dict) and "low" in each}
        rows += [
            (head, words(name), interval(each, 5 if "loss" in name else 4), f"{figures['positives']:,}")
            for name, each in measures.items()
        ]
        ratios += [{"head": head, "observed": each["positives"], **each} for each in figures["predicted_over_observed"]]
        gains += [
            (head, words(name), interval(each, 5, signed=True), verdict(each))
            for name, each in figures["gain_over_one_task"].items()
        ]
    shown = [
        told(report, [held]),
        table(("head", "measure", "held out", "positives"), rows),
        "**Both tasks together against one alone**",
        table(("head", "measure", "gain", "helps"), gains),
        *_ratio_tables(ratios),
    ]
    return "\n\n".join(shown), _ratio_plots(ratios)


def _ratio_tables(ratios: Sequence[Found]) -> list[str]:
    rows = [(each["head"], each["segment"], f"{each['observed']:,}", interval(each, 3)) for each in ratios]
    shown = table(("head", "part", "observed", "predicted / observed"), rows)
    return ["**Predicted over observed**", shown] if shown else []


def _ratio_plots(ratios: Sequence[Found]) -> list[Plot]:
    plots = []
    for head in HEADS:
        figures = {each["segment"]: each for each in ratios if each["head"] == head}
        plots += whisker_plot(f"Predicted over observed: {head}", figures, "1 is right", RIGHT)
    return plots


impressions = of_each(
    "Clicks and purchases of logged impressions",
    "On the newest part of the file, which nothing was fitted on; intervals are 95 %, by bootstrap over users.",
    _impressions,
)
heads = of_each(
    "The fusion model's click and purchase heads",
    "On held-out pages; intervals are 95 %, by bootstrap over users.",
    _heads,
)
