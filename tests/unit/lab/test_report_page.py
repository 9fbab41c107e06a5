"""The report page shows the account, the reasons and the plots, and whatever the data holds stays text."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lab.importing.importer import ImportJob, run_import
from lab.importing.report_page import write_page
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects the elements of a page and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]


def page_of(folder: Path, kind: Any, rows: list[Any]) -> str:
    path = folder / f"{kind}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = run_import(ImportJob(kind, path, "shop", work=folder / "work"), PretendServices(), NOW)  # type: ignore[arg-type]
    write_page(report, folder / "out" / "report.html")
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "rows", "plots"),
    [
        ("events", [{"event_id": f"e{n}", "action": "view", "user_id": f"u{n % 9}", "item_id": EVIL.replace(" ", ""),
                     "occurred_at": f"2026-01-{1 + n % 30:02d}T{n % 24:02d}:00:00Z"} for n in range(60)]
         + [{"event_id": EVIL, "action": EVIL}], 5),
        ("items", [{"item_id": f"i{n}", "titles": {"en": "Tea"}, "price_minor": 100 * n, "currency": "EUR",
                    "brand": f"{EVIL}$x$ {n}", "category": EVIL, "images": [EVIL]} for n in range(20)], 7),
        ("campaigns", [{"campaign_id": "c1", "starts_at": EVIL}], 0),
        ("pictures", [{"item_id": "i1", "image": EVIL}], 0),
    ],
)  # fmt: skip
def test_the_page_is_whole_and_inert(tmp_path: Path, kind: str, rows: list[Any], plots: int) -> None:
    page = page_of(tmp_path, kind, rows)
    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert [each for each in reader.references if not each.startswith("#")] == []  # nothing outside of the file
    assert page.count("<svg") == plots
    assert len(re.findall(r'<svg[^>]*aria-label="[^"]+"', page)) == plots
    assert "url(http" not in page
    assert "prefers-color-scheme: dark" in page
    ids = re.findall(r'clipPath id="([^"]+)"', page)
    assert len(ids) == len(set(ids))  # plots share a page


def test_the_page_tells_what_happened(tmp_path: Path) -> None:
    rows = [{"event_id": "e1", "action": "gaze", "user_id": "u", "occurred_at": "2026-01-01"}] * 3
    page = page_of(tmp_path, "events", rows)
    assert "action_unknown" in page
    assert "map it with values" in page
    assert "UTC where no time zone is written" in page
    assert "vitrine import events FILE.jsonl" in page
