"""A report on disk: a page to look at, and JSON to compare."""

import json
from pathlib import Path
from typing import Any


def write_page(path: Path, found: dict[str, Any], shown: str) -> None:
    """Write the page's HTML, and beside it what it was made of, with the suffix `.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shown, encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
