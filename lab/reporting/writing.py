"""A report on disk: a page to look at, and JSON to compare."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.reporting.page import page


def write_page(path: Path, found: dict[str, Any], shown: tuple[str, str, Sequence[tuple[str, str]]]) -> None:
    """Write the page, and beside it what it was made of, with the suffix `.json`.

    `shown` is the heading, the Markdown, and title and SVG of each plot.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(*shown), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
