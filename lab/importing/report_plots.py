"""The report's plots as SVG that takes its colours from the page, so that they suit light and dark.

Imported only when a report page is written: matplotlib is slow to load.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import matplotlib as mpl
import matplotlib.dates
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lab.importing.shape import NONE, OTHERS, WEEKDAYS

MOST_BARS = 10
_WIDTH, _HEIGHT = 4.4, 2.3
_LEAST_ROWS = 5
# Stand-ins that the page's own colours replace.
_INK, _LINE, _BAR, _REST = "#010203", "#040506", "#070809", "#0a0b0c"
_COLOURS = {_INK: "var(--muted)", _LINE: "var(--line)", _BAR: "var(--accent)", _REST: "var(--rest)"}
_STYLE: Any = {
    "svg.fonttype": "none", "font.size": 9, "text.color": _INK, "axes.edgecolor": _LINE, "axes.labelcolor": _INK,
    "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.spines.left": False, "grid.color": _LINE, "axes.axisbelow": True, "figure.constrained_layout.use": True,
}  # fmt: skip
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"|(<svg[^>]*?) height="[^"]*"')
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Plot:
    """A plot and the words under it."""

    title: str
    svg: str
    caption: str


def plots_of(shape: Mapping[str, Counts]) -> list[Plot]:
    """Return a plot for every chart of a report's shape that has counts."""
    drawn = []
    for title, counts in shape.items():
        if sum(counts.values()):
            draw, caption = _DRAWERS.get(title, (_ranking, ""))
            drawn.append(Plot(title[0].upper() + title[1:], _svg(title, draw, counts), caption or _top(counts)))
    return drawn


def _svg(title: str, draw: Callable[[Any, Counts], None], counts: Counts) -> str:
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        FigureCanvasSVG(figure)
        draw(figure.subplots(), counts)
        target = io.StringIO()
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    text = _METADATA.sub("", _HEAD.sub("", target.getvalue()))
    text = _SIZE.sub(lambda found: found.group(1) or found.group(2), text, count=2)
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    label = title.replace('"', "")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _ranking(axes: Any, counts: Counts) -> None:
    """The most frequent keys as horizontal bars, the rest as one."""
    named = {key: count for key, count in counts.items() if key != OTHERS}
    top = sorted(named.items(), key=lambda entry: -entry[1])[:MOST_BARS]
    rest = sum(counts.values()) - sum(count for _, count in top)
    rows = [*top, (f"{len(named) - len(top):,} others", rest)] if rest else top
    labels = [key if len(key) <= 26 else key[:25] + "…" for key, _ in rows]
    values = [count for _, count in rows]
    colours = [
        _REST if key == NONE or (rest and place == len(rows) - 1) else _BAR for place, (key, _) in enumerate(rows)
    ]
    axes.barh(range(len(rows)), values, color=colours, height=0.72)
    axes.set_yticks(range(len(rows)), [label.replace("$", r"\$") for label in labels])
    for place, value in enumerate(values):
        axes.annotate(f"{value:,}", (value, place), (4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, max(values) * 1.25)
    axes.set_ylim(max(len(rows), _LEAST_ROWS) - 0.5, -0.5)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)


def _columns(axes: Any, counts: Counts, order: Callable[[str], Any] | None = None) -> None:
    """Keys in their own order as columns."""
    keys = sorted(counts, key=order) if order is not None else list(counts)
    axes.bar(range(len(keys)), [counts[key] for key in keys], color=_BAR, width=0.78)
    step = 1 + len(keys) * (max(map(len, keys)) + 2) // 64
    axes.set_xticks(range(0, len(keys), step), [key.replace("$", r"\$") for key in keys[::step]])
    _count_axis(axes)


def _by_day(axes: Any, counts: Counts) -> None:
    """Days as an area; weeks when there are more than two years, so that the shape stays visible."""
    found = {date.fromisoformat(key): count for key, count in counts.items() if key != OTHERS}
    first, last = min(found), max(found)
    width = 1 if (last - first).days <= 730 else 7
    spans: dict[date, int] = {}
    for day, count in found.items():
        start = first + timedelta(days=(day - first).days // width * width)
        spans[start] = spans.get(start, 0) + count
    days = [first + timedelta(days=k) for k in range(0, (last - first).days + 1, width)]
    values = [spans.get(day, 0) for day in days]
    if len(days) < 4:
        axes.bar(days, values, color=_BAR, width=0.6 * width)
    else:
        axes.fill_between(days, values, color=_BAR, alpha=0.25, linewidth=0)
        axes.plot(days, values, color=_BAR, linewidth=1.3)
    dates: Any = matplotlib.dates
    locator = dates.AutoDateLocator(maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.margins(x=0)
    _count_axis(axes)


def _by_price(axes: Any, counts: Counts) -> None:
    """Price bands of the commonest currency."""
    totals: dict[str, int] = {}
    for key, count in counts.items():
        totals[key.split(" ")[0]] = totals.get(key.split(" ")[0], 0) + count
    currency = max(totals, key=lambda each: totals[each])
    bands = {key.split(" ")[1]: count for key, count in counts.items() if key.startswith(f"{currency} ")}
    _columns(axes, {f"{float(key):,g}": bands[key] for key in sorted(bands, key=float)})
    axes.set_xlabel(f"{currency}, from")


def _count_axis(axes: Any) -> None:
    axes.set_ylim(0)
    axes.grid(axis="y", linewidth=0.6)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.tick_params(length=0)


def _short(value: float, _: Any) -> str:
    for size, name in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {name}"
    return f"{value:g}"


def _top(counts: Counts) -> str:
    key, count = max(counts.items(), key=lambda entry: entry[1])
    share = 100 * count / sum(counts.values())
    return f"{len(counts):,} values; the commonest, {key}, {share:.0f} %" if len(counts) > 1 else f"all are {key}"


def _in_order(order: Callable[[str], Any]) -> Callable[[Any, Counts], None]:
    return lambda axes, counts: _columns(axes, counts, order)


_DRAWERS: dict[str, tuple[Callable[[Any, Counts], None], str]] = {
    "events by day": (_by_day, "A gap or a step usually means that a part of the history is missing, or came twice."),
    "events by hour (UTC)": (_in_order(str), "Nights that are busy: is the time zone right?"),
    "events by weekday": (_in_order(WEEKDAYS.index), "In UTC."),
    "users by number of events": (
        _columns,
        "From a sample of users. Of users with one event little is learnt.",
    ),
    "items by price": (_by_price, "Bands of the commonest currency. One tall band at an end: are these minor units?"),
    "items by pictures": (_in_order(int), "Pictures an item. Looks are learnt from pictures."),
    "items without": (_ranking, "What items lack. Pages show what is there."),
}
