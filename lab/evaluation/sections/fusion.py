"""Parts about the fusion model: what its inputs are worth, new items, its size against quality and cost, its heads."""

from matplotlib.axes import Axes

from lab.evaluation.reports import Report
from lab.evaluation.sections.telling import (
    Found,
    Plot,
    Shown,
    counted,
    of_each,
    plot,
    told,
    verdict,
    whisker_plot,
    words,
)
from lab.reporting.drawing import plain
from lab.reporting.markdown import interval, number, table
from lab.reporting.plots import Spot, spots

MIB = 2**20


def _ablation(report: Report) -> Shown:
    found = report.figures
    gains = {words(name).removeprefix("without "): gain for name, gain in found["gain_in_log_loss"].items()}
    rows = [(name, interval(gain, 5, signed=True), verdict(gain)) for name, gain in gains.items()]
    held = f"{found['held_out_pages']:,} held-out pages" if "held_out_pages" in found else ""
    seeds = counted(len(found["seeds"]), "seed") if "seeds" in found else ""
    whole = f"log loss with everything {number(found['log_loss'], 4)}" if "log_loss" in found else ""
    line = told(report, [each for each in (held, seeds, whole) if each])
    shown = table(("input left out", "gain in log loss by having it", "helps"), rows)
    return f"{line}\n\n{shown}", whisker_plot("What each input is worth", gains, "gain in log loss of clicks", 0.0)


def _history_ablation(report: Report) -> Shown:
    found = report.figures
    rows, plots = [], []
    for name, gains in found["gain"].items():
        ndcg, loss = gains["ndcg_10"], gains["log_loss"]
        helps = "yes" if "yes" in (verdict(ndcg), verdict(loss)) else "not shown"
        rows.append((words(name), interval(ndcg, signed=True), interval(loss, signed=True), helps))
    for measure, label in (("ndcg_10", "gain in NDCG@10"), ("log_loss", "gain in log loss")):
        gains = {words(name): gain[measure] for name, gain in found["gain"].items()}
        plots += whisker_plot(f"What each input is worth on histories: {label}", gains, label, 0.0)
    whole = [("NDCG@10", interval(found["ndcg_10"])), ("NDCG@10 of popularity", interval(found["popularity_ndcg_10"]))]
    counts = f"{found['held_out_targets']:,} held-out items, each among {found['candidates']}"
    line = told(report, [counts, counted(len(found["seeds"]), "seed")])
    shown = table(("input left out", "gain in NDCG@10 by having it", "gain in log loss", "helps"), rows)
    return f"{line}\n\n{table(('with everything', 'held out'), whole)}\n\n{shown}", plots


def _cold_items(report: Report) -> Shown:
    found = report.figures
    areas = {words(name): area for name, area in found["auc"].items()}
    rows = [
        (name, interval(area, 3), f"{area['impressions']:,}", f"{area['clicks']:,}") for name, area in areas.items()
    ]
    line = told(report, [f"{found['withheld_items']:,} items withheld from training"])
    shown = table(("the model sees", "AUC of clicks", "impressions", "clicks"), rows)
    return f"{line}\n\n{shown}", whisker_plot("New items", areas, "AUC of clicks on items never trained on", 0.5)


def _compression(report: Report) -> Shown:
    ways = report.figures["ways"]
    head = ("model", "AUC of clicks", "AUC lost", "weights, MiB", "times smaller", "CPU ms a call", "times less CPU")
    rows = [
        (
            name,
            number(way["click_auc"], 4),
            "" if name == "none" else interval(way["click_auc_lost"], 4, signed=True),
            f"{way['weights_bytes'] / MIB:.2f}",
            f"{way['times_smaller']:.2f}",
            f"{way['cpu_ms']:.2f}",
            f"{way['times_less_cpu']:.2f}",
        )
        for name, way in ways.items()
    ]
    line = told(report, [f"{report.figures['held_out_impressions']:,} held-out impressions"])
    plots = _against("Quality and size, compressed", ways, ("weights_bytes", "bytes of weights"), "click_auc")
    plots += _against("Quality and cost, compressed", ways, ("cpu_ms", "CPU ms a call"), "click_auc")
    return f"{line}\n\n{table(head, rows)}", plots


def _scaling(report: Report) -> Shown:
    sizes = report.figures["sizes"]
    head = (
        "width", "parameters", "AUC of clicks", "log loss of clicks", "gap to training, AUC", "weights, MiB",
        "CPU ms a call",
    )  # fmt: skip
    rows = [
        (
            name,
            f"{size['parameters']:,}",
            number(size["held_out_click_auc"], 4),
            number(size["held_out_click_log_loss"], 4),
            number(size["gap_click_auc"], 4, signed=True),
            f"{size['weights_bytes'] / MIB:.2f}",
            f"{size['cpu_ms']:.2f}",
        )
        for name, size in sizes.items()
    ]
    line = told(report, [f"{report.figures['held_out_impressions']:,} held-out impressions"])
    plots = _against("Quality and size", sizes, ("parameters", "parameters"), "held_out_click_auc")
    plots += _against("Quality and cost", sizes, ("cpu_ms", "CPU ms a call"), "held_out_click_auc")
    return f"{line}\n\n{table(head, rows)}", plots


def _against(title: str, entries: Found, axis: tuple[str, str], quality: str) -> list[Plot]:
    """Held-out AUC against what it costs."""
    figure, label = axis

    def draw(axes: Axes) -> bool:
        points = [Spot(name, entry[figure], entry[quality]) for name, entry in entries.items()]
        for point in points:
            axes.plot(point.x, point.y, "")
        axes.set(xscale="log", xlabel=label, ylabel="AUC of clicks, held out")
        axes.margins(0.15, 0.25)
        plain(axes.xaxis)
        spots(points, axes)
        return bool(points)

    return plot(title, draw)


def _large(report: Report) -> Shown:
    found = report.figures
    rows = [
        ("parameters", f"{found['parameters']:,}"),
        ("items", f"{found['items']:,}"),
        ("variables they are split over", found["shards"]),
        ("rows that a training step touched", f"{found['rows_touched']:,}"),
        ("loss of that step", found["loss"]),
        ("GiB exported", f"{sum(found['files']) / 2**30:.2f} in {len(found['files'])} files"),
        ("GiB of memory at most", f"{found['peak_bytes'] / 2**30:.2f}"),
        *((f"seconds, {name}", seconds) for name, seconds in found["seconds"].items()),
    ]
    return f"{told(report)}\n\n{table(('', 'figure'), rows)}", []


ablation = of_each(
    "What each input of the fusion model is worth",
    "The model is trained without an input and judged on the same held-out pages; intervals are 95 %, paired by page.",
    _ablation,
)
history_ablation = of_each(
    "What each input is worth on histories",
    "The last deed of each user among items that were drawn; intervals are 95 %, paired by user.",
    _history_ablation,
)
cold_items = of_each(
    "Items that training never saw", "Told apart by picture, text and price alone; .5 would be chance.", _cold_items
)
compression = of_each("The fusion model, compressed", "Intervals are 95 %, paired.", _compression)
scaling = of_each("The fusion model in several sizes", "One training each.", _scaling)
large = of_each("A billion parameters", "Built, trained one step, exported in shards, run by the C++ runtime.", _large)
