"""A benchmark's report: JSON to compare, and one HTML page to look at, with everything in it."""

import json
from pathlib import Path
from typing import Any

from lab.benchmark.plots import all_plots
from lab.benchmark.tables import tables
from lab.reporting import page as reporting


def write_report(result: dict[str, Any], path: Path) -> None:
    """Write the JSON, and beside it the page with the suffix `.html`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".html").write_text(page(result), encoding="utf-8")


def page(result: dict[str, Any]) -> str:
    """The page; it needs nothing else, and follows the reader's light or dark setting."""
    warning = "A quick run: its figures are not to be quoted." if result.get("quick") else ""
    return reporting.page("How fast it is", tables(result), all_plots(result), warning)
