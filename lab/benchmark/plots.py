"""The plots of a benchmark's report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from lab.reporting.drawing import COLOURS, FAINT, Draw, Found, drawn, legend, plain


def all_plots(result: Found) -> list[tuple[str, str]]:
    """Title and SVG of every plot for which the report holds figures."""
    drawers: Sequence[tuple[str, Draw]] = (
        ("Page ÷ floor, by catalogue size", _ratio),
        ("Latency by load", _latency_by_load),
        ("Highest load, by catalogue size", _highest),
        ("Latency at half the highest load, by catalogue size", _half),
        ("CPU of a page by stage, one request in flight", _cpu_by_stage),
        ("CPU of a page by process, one request in flight", _cpu_by_process),
        ("Memory by process, by catalogue size", _memory_by_size),
        ("Memory of all processes, by users", _memory_by_users),
        ("A page, by users", _page_by_users),
    )
    made = [(title, drawn(draw, result)) for title, draw in drawers]
    for items, found in result["catalogues"].items():
        if found.get("swap"):
            made.append((f"A release swapped under load, {int(items):,} items", drawn(_swap, found)))
    soak = result.get("soak") or {}
    made += [(f"Soak: {title}", drawn(partial(_soak_line, kind), soak)) for kind, title in _SOAKED.items()]
    return [(title, svg) for title, svg in made if svg]


_SOAKED = {
    "memory_mib": "unique memory, MiB above the first sample",
    "files": "open files, above the first sample",
    "table_files": "PostgreSQL's own open files, above the first sample",
    "threads": "threads, above the first sample",
    "tasks": "tasks of event loops",
    "connections": "connections to PostgreSQL",
}


@contextmanager
def _by_size(axes: Axes, label: str) -> Iterator[None]:
    yield
    axes.set_xscale("log")
    plain(axes.xaxis)
    axes.set_xlabel("items")
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)


def _sizes(result: Found, *path: str) -> tuple[list[int], list[Any]]:
    """Item counts, and what the report holds at a path for each that has it."""
    counts, values = [], []
    for found in result["catalogues"].values():
        part: Any = found
        for name in path:
            part = part.get(name) if isinstance(part, dict) else None
        if part is not None:
            counts.append(found["items"])
            values.append(part)
    return counts, values


def _ratio(result: Found, axes: Axes) -> bool:
    counts, ratios = _sizes(result, "floor_ratio")
    _, intervals = _sizes(result, "floor_ratio_interval")
    with _by_size(axes, "median page ÷ median floor"):
        axes.plot(counts, ratios, "o-")
        axes.vlines(counts, [low for low, _ in intervals], [high for _, high in intervals], color=COLOURS[0])
        axes.axhline(4.0, color=COLOURS[1], linestyle="--", linewidth=1.0, label="aim")
        legend(axes)
    return bool(counts)


def _latency_by_load(result: Found, axes: Axes) -> bool:
    drawn = False
    for place, found in enumerate(result["catalogues"].values()):
        loads = [load for load in found.get("loads") or () if load["latency_ms"]]
        for name, style in (("p50", "--"), ("p99", "-")):
            label = f"{found['items']:,} items, {name}"
            heights = [load["latency_ms"][name] for load in loads]
            axes.plot([load["rate"] for load in loads], heights, f"o{style}", color=COLOURS[place % 9], label=label)
        drawn = drawn or bool(loads)
    axes.set(xlabel="pages a second", ylabel="ms from when the page was due", yscale="log")
    plain(axes.yaxis)
    legend(axes)
    return drawn


def _highest(result: Found, axes: Axes) -> bool:
    counts, rates = _sizes(result, "highest", "rate")
    with _by_size(axes, "pages a second, sustained"):
        axes.plot(counts, rates, "o-")
    return bool(counts)


def _half(result: Found, axes: Axes) -> bool:
    counts, spreads = _sizes(result, "half", "latency_ms")
    with _by_size(axes, "ms"):
        for name in ("p50", "p95", "p99"):
            axes.plot(counts, [spread.get(name, 0.0) for spread in spreads], "o-", label=name)
        axes.axhline(80.0, color=COLOURS[5], linestyle="--", linewidth=1.0, label="aim for p99")
        legend(axes)
    return bool(counts)


def _cpu_by_stage(result: Found, axes: Axes) -> bool:
    return _stacked(result, axes, "ms of CPU a page", "alone", "cpu_ms_by_stage")


def _cpu_by_process(result: Found, axes: Axes) -> bool:
    return _stacked(result, axes, "ms of CPU a page", "alone", "cpu_ms_a_page")


def _memory_by_size(result: Found, axes: Axes) -> bool:
    return _stacked(result, axes, "MiB of unique pages", "memory_mib")


def _stacked(result: Found, axes: Axes, label: str, *path: str) -> bool:
    """One bar a size, one piece a part; the load client itself is left out."""
    counts, parts = _sizes(result, *path)
    names = [name for name in dict.fromkeys(name for part in parts for name in part) if name != "benchmark"]
    places, bottoms = range(len(counts)), [0.0] * len(counts)
    for number, name in enumerate(names):
        heights = [part.get(name, 0.0) for part in parts]
        axes.bar(places, heights, 0.6, bottoms, label=name, color=COLOURS[number % 9], alpha=1.0 if number < 9 else 0.6)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    axes.set_xticks(list(places), [f"{count:,}" for count in counts])
    axes.set(xlabel="items", ylabel=label)
    axes.set_xlim(-0.6, max(len(counts) - 0.4, 0.6))
    legend(axes, beside=True)
    return bool(counts)


def _memory_by_users(result: Found, axes: Axes) -> bool:
    steps = result.get("users", {}).get("steps", [])
    names = sorted({name for step in steps for name in step["shared_out_memory_mib"]})
    users = [step["users"] for step in steps]
    for name in names:
        axes.plot(users, [step["shared_out_memory_mib"].get(name, 0.0) for step in steps], "o-", label=name)
    axes.set(xscale="log", xlabel="users", ylabel="MiB")
    plain(axes.xaxis)
    legend(axes, beside=True)
    return bool(steps)


def _page_by_users(result: Found, axes: Axes) -> bool:
    steps = result.get("users", {}).get("steps", [])
    for name in ("p50", "p95", "p99"):
        axes.plot([step["users"] for step in steps], [step["page_ms"][name] for step in steps], "o-", label=name)
    axes.set(xscale="log", xlabel="users", ylabel="ms, one request in flight")
    plain(axes.xaxis)
    axes.set_ylim(bottom=0)
    legend(axes)
    return bool(steps)


def _swap(found: Found, axes: Axes) -> bool:
    swap = found["swap"]
    times, heights = [at for at, _ in swap["timeline"]], [took for _, took in swap["timeline"]]
    axes.plot(times, heights, ".", markersize=3)
    for place, (name, at) in enumerate(swap["marks_s"].items()):
        axes.axvline(at, color=COLOURS[1 + place], linewidth=1.0, label=name.replace("_", " "))
    axes.set(xlabel="seconds", ylabel="ms", yscale="log")
    plain(axes.yaxis)
    legend(axes)
    return bool(times)


def _soak_line(kind: str, soak: Found, axes: Axes) -> bool:
    if not soak.get("lines", {}).get(kind):
        return False
    level = kind in ("tasks", "connections")
    for name, values in soak["lines"][kind].items():
        seconds = soak["seconds"][-len(values) :]
        heights = values if level else [value - values[0] for value in values]
        axes.plot([at / 60.0 for at in seconds], heights, label=name)
    axes.axvline(soak["slopes_after_s"] / 60.0, color=FAINT, linewidth=1.0, linestyle="--")
    axes.set(xlabel="minutes")
    legend(axes, beside=True)
    return True
