"""Plots as SVG that take their colours from the page, so that they suit light and dark.

Imported only when a report is written: matplotlib is slow to load.
"""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

Found = dict[str, Any]
Draw = Callable[[Found, Axes], bool]
"""Draws what it finds; says whether that was anything."""
INK, FAINT = "#010203", "#040506"
"""Stand for the page's own colours, which replace them in the SVG."""
COLOURS = ("#3b82c4", "#d97a2b", "#3a9b6b", "#b2539e", "#8a7a2e", "#c94f4f", "#5f6fb5", "#2f9da0", "#7d7d7d")
"""Told apart on white and on near-black."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vitrine",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.facecolor": "none",
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
}
WIDTH, HEIGHT = 6.4, 3.4


def drawn(draw: Draw, found: Found) -> str:
    """The SVG of a plot; "" when there is nothing to draw."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        if not draw(found, figure.add_subplot()):
            return ""
        held = io.StringIO()
        figure.savefig(held, format="svg", metadata={"Date": None})
    text = held.getvalue()
    svg = text[text.index("<svg") :]
    return svg.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")


def plain(axis: Axis) -> None:
    """Write 20,000 on a logarithmic axis, not two times ten to the fourth."""
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    for set_formatter in (axis.set_major_formatter, axis.set_minor_formatter):
        set_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
    axis.set_tick_params(which="minor", labelsize=7)


def legend(axes: Axes, *, beside: bool = False) -> None:
    """The names of what was drawn, if anything was."""
    if not axes.get_legend_handles_labels()[0]:
        return
    if beside:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    else:
        axes.legend(fontsize=7, ncols=2)
