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
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

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
MOST_DECADES = 2.5
"""Of a logarithmic axis that has numbers between its powers of ten too."""


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
    """Write 20,000 on a logarithmic axis, not two times ten to the fourth; between powers of ten only where there is
    room as the axis is now.
    """
    low, high = axis.get_view_interval()
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(_plain_number))
    crowded = low > 0.0 and high / low > 10.0**MOST_DECADES
    axis.set_minor_formatter(NullFormatter() if crowded else FuncFormatter(_plain_number))
    axis.set_tick_params(which="minor", labelsize=7)


def _plain_number(value: float, _place: int) -> str:
    return f"{value:,.0f}" if value >= 1.0 else f"{value:g}"


def legend(axes: Axes, *, beside: bool = False) -> None:
    """The names of what was drawn, if anything was."""
    if not axes.get_legend_handles_labels()[0]:
        return
    if beside:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    else:
        axes.legend(fontsize=7, ncols=2)
