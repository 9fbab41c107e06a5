"""The Markdown tables of a report: what docs/performance.md shows."""

from collections.abc import Callable, Sequence
from typing import Any

from lab.benchmark.aims import aims
from lab.reporting.markdown import table

MOST_NAMED = 6
MILLISECONDS = ("p50", "p95", "p99")
Found = dict[str, Any]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""Between these lines a document holds the tables of a report."""


def tables(result: Found) -> str:
    """Every table for which the report holds figures, under a line that says where they come from."""
    made = [
        _head(result),
        _aims(result),
        _by_size(result, "Beside the floor", _floor_columns, "floor_ratio"),
        _of_parts(result, "Wall time of a page by stage, median ms", "stage_ms"),
        _of_parts(result, "Floor by part, median ms", "floor_parts_ms"),
        _of_parts(result, "CPU ms a page by stage, one request in flight", "alone", "cpu_ms_by_stage"),
        _of_parts(result, "CPU ms a page by process, one request in flight", "alone", "cpu_ms_a_page"),
        _loads(result),
        _by_size(result, "Highest load and half of it", _highest_columns, "half"),
        _by_size(result, "Sessions at half load", _session_columns, "sessions"),
        _by_size(result, "A release swapped at half load", _swap_columns, "swap"),
        _of_parts(result, "Memory by process after the load, MiB of unique pages", "memory_mib"),
        _events(result),
        _users(result),
        _soak(result),
        _of_seconds(result),
    ]
    return "\n\n".join(each for each in made if each)


def put_into(document: str, found: str) -> str:
    """The document with what stands between BEGIN and END replaced. Raises: ValueError when it lacks one of them."""
    head, begun, rest = document.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"there are no lines {BEGIN} and {END}, between which the tables go")
    return f"{head}{BEGIN}\n{found}\n{END}{tail}"


def _head(result: Found) -> str:
    machine = result.get("machine", {})
    told = [
        f"`{result.get('command', 'vitrine bench')}`",
        str(result.get("date", ""))[:10],
        f"{machine.get('cores')} cores",
        f"{machine.get('memory_gib')} GiB",
        f"Python {machine.get('python')}",
        f"interpreter score {machine.get('interpreter_score')}",
    ]
    quick = " **Quick run: not to be quoted.**" if result.get("quick") else ""
    noise = _named(" **Disturbed** by others' load", result.get("disturbed"))
    noise += _named(" **Not at rest** before", result.get("restless"))
    failed = f" **Failed**: {', '.join(result['failed'])}." if result.get("failed") else ""
    return ", ".join(told) + ". Simulated shops." + quick + noise + failed


def _named(what: str, paths: Sequence[str] | None) -> str:
    if not paths:
        return ""
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"{what}: {', '.join(paths[:MOST_NAMED])}{more}."


def _aims(result: Found) -> str:
    rows = [[each.what, each.aim, each.measured, "yes" if each.met else "**no**"] for each in aims(result)]
    return _titled("Aims", table(["", "aim", "measured", "met"], rows))


def _titled(title: str, body: str) -> str:
    return f"**{title}**\n\n{body}" if body else ""


def _by_size(result: Found, title: str, columns: Callable[[Found], Found], needs: str) -> str:
    measured = [found for found in result["catalogues"].values() if found.get(needs) is not None]
    rows = [{"items": f"{found['items']:,}", **columns(found)} for found in measured]
    return _titled(title, table(list(rows[0]), [list(row.values()) for row in rows])) if rows else ""


def _of_parts(result: Found, title: str, *path: str) -> str:
    """One row a size, one column a part."""
    by_size: dict[str, Found] = {}
    for found in result["catalogues"].values():
        part: Any = found
        for name in path:
            part = (part or {}).get(name)
        if part:
            by_size[f"{found['items']:,}"] = part
    names = list(dict.fromkeys(name for part in by_size.values() for name in part))
    rows = [[items, *(_number(part.get(name)) for name in names)] for items, part in by_size.items()]
    return _titled(title, table(["items", *names], rows))


def _floor_columns(found: Found) -> Found:
    low, high = found["floor_ratio_interval"]
    page, floor = found["page_ms"], found["floor_ms"]
    return {
        "floor ratio": f"**{found['floor_ratio']}** ({low} to {high})",
        "page p50 / p95 / p99 ms": _spread(page),
        "floor p50 / p95 / p99 ms": _spread(floor),
        "CPU ms a page, all services": found.get("alone", {}).get("services_cpu_ms_a_page", ""),
        "other load": found.get("floor_noise", {}).get("other_load", ""),
    }


def _loads(result: Found) -> str:
    rows = []
    for found in result["catalogues"].values():
        for load in found.get("loads") or ():
            wrong = f"{load['degraded']}, {sum(load['errors'].values())}"
            spread, others = _spread(load["latency_ms"]), load["other_load"]
            rows.append([f"{found['items']:,}", load["rate"], load["seconds"], wrong, spread, others])
    head = ["items", "pages a second", "seconds", "degraded, errors", "p50 / p95 / p99 ms", "other load"]
    return _titled("Open loop", table(head, rows))


def _highest_columns(found: Found) -> Found:
    highest, half = found.get("highest"), found["half"]
    return {
        "closed loop, pages a second": found["closed_loop_pages_a_second"],
        "highest load, pages a second": f"**{highest['rate']}**" if highest else "none was sustained",
        "seconds": highest["seconds"] if highest else "",
        "p50 / p95 / p99 ms there": _spread(highest["latency_ms"]) if highest else "",
        "p50 / p95 / p99 ms at half": _spread(half["latency_ms"]),
    }


def _session_columns(found: Found) -> Found:
    sessions = found["sessions"]
    steps = {f"{name}, p50 / p99 ms": f"{each['p50']} / {each['p99']}" for name, each in sessions["latency_ms"].items()}
    wrong = f"{sessions['degraded']}, {sum(sessions['errors'].values())}, {sessions['stale']}"
    return {
        "pages a second": sessions["pages_a_second"],
        "events a second": sessions["events_a_second"],
        "degraded, errors, stale": wrong,
        **steps,
    }


def _swap_columns(found: Found) -> Found:
    swap = found["swap"]
    low, high = swap["p99_ratio_interval"]
    marks = swap["marks_s"]
    return {
        "pages a second": swap["rate"],
        "p99 before ms": swap["before_ms"]["p99"],
        "p99 during ms": swap["during_ms"]["p99"],
        "during / before": f"**{swap['p99_ratio']}** ({low} to {high})",
        "pages before, during": ", ".join(str(count) for count in swap["pages"]),
        "degraded, errors": f"{swap['degraded']}, {sum(swap['errors'].values())}",
        "seconds from published to the first page": round(marks["first_page"] - marks["published"], 1),
    }


def _events(result: Found) -> str:
    events = result.get("events")
    if not events:
        return ""
    row = {
        "events a second": f"**{events['events_a_second']:,.0f}**",
        "seconds": events["seconds"],
        "events a call": events["events_a_call"],
        "calls in flight": events["in_flight"],
        "services' CPU µs an event": events["services_cpu_us_an_event"],
        "client's share of the CPU": events["client_share"],
        "other load": events["other_load"],
    }
    return _titled("Recording", table(list(row), [list(row.values())]))


def _users(result: Found) -> str:
    users = result.get("users")
    if not users:
        return ""
    rows = [
        {
            "users": f"{step['users']:,}",
            "page p50 / p95 / p99 ms": _spread(step["page_ms"]),
            "CPU ms a page, all services": step["services_cpu_ms_a_page"],
            "memory of all processes MiB": step["memory_mib_in_all"],
            "database on disk MiB": step["database_mib"],
            "other load": step["other_load"],
        }
        for step in users["steps"]
    ]
    million = users.get("memory_mib_per_million_users")
    told = f"\n\nMemory per million users: **{million / 1024:.2f} GiB** ({million} MiB)." if million is not None else ""
    return (
        _titled(f"Users, at {users['items']:,} items", table(list(rows[0]), [list(row.values()) for row in rows]))
        + told
    )


def _soak(result: Found) -> str:
    soak = result.get("soak")
    if not soak:
        return ""
    kinds = [kind for kind in soak["lines"] if kind != "rss_mib"]
    names = sorted({name for kind in kinds for name in soak["lines"][kind]})
    rows = [[name, *(_growth(soak, kind, name) for kind in kinds)] for name in names]
    grown = [*soak["growing"], *(f"{name} vanished" for name in soak.get("vanished", ()))]
    growing = ", ".join(grown) or "nothing grows"
    told = (
        f"{soak['minutes']:g} minutes, {soak['sessions']} sessions, {soak['pages']} pages, {soak['events']} events; "
        f"errors {sum(soak['errors'].values())}, degraded {soak['degraded']}, stale {soak['stale']}. {growing}."
    )
    head = ["process", *(f"{kind}: last, slope a minute (95 %)" for kind in kinds)]
    return _titled("Soak at half load", f"{told}\n\n{table(head, rows)}")


def _growth(soak: Found, kind: str, name: str) -> str:
    values = soak["lines"][kind].get(name)
    if not values:
        return ""
    found = soak["slopes_a_minute"].get(kind, {}).get(name)
    return f"{values[-1]:g}, {found[0]:+.3f} ({found[1]:+.3f} to {found[2]:+.3f})" if found else f"{values[-1]:g}"


def _of_seconds(result: Found) -> str:
    seconds = result.get("seconds") or {}
    told = "; ".join(f"{name} {each:.0f}" for name, each in seconds.items())
    return f"Seconds of the run: {told}; in all {sum(seconds.values()):.0f}." if seconds else ""


def _spread(values: Found) -> str:
    return " / ".join(f"{values[name]:.1f}" for name in MILLISECONDS) if values else "none answered"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.1f}"
