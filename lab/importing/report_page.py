"""The report as one page to look at: self-contained, for light and dark."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from lab.importing.report import ImportReport

_FATES = (
    ("imported", "imported", "good"),
    ("merged", "merged", "calm"),
    ("held", "held", "wait"),
    ("rejected", "rejected", "bad"),
)
_LISTS = (
    ("Merged by rule", "merged_by", "Rows whose content is in the shop as part of another row."),
    ("Gaps filled by rule", "filled", "What the file left open, and what was taken instead."),
    ("References to what is not there", "dangling", "Events are recorded all the same; the item joins by its id."),
    ("Joined now", "joined", "Rows of earlier imports that waited for items of this one."),
    ("What the service counted", "service", ""),
)  # fmt: skip


def write_page(report: ImportReport, path: Path) -> None:
    """Write the report as an HTML file without anything outside of it."""
    from lab.importing.report_plots import plots_of

    told = report.as_dict()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    page = environment.get_template("report.html").render(
        report=told,
        fates=[{"name": name, "key": key, "tone": tone, "count": told[key]} for name, key, tone in _FATES],
        reasons=_reasons(told),
        lists=[_listed(told, *each) for each in _LISTS if told[each[1]]],
        plots=plots_of(told["shape"]),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _reasons(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rejected rows by reason, the commonest first, with examples."""
    most = max(told["reasons"].values(), default=1)
    listed = []
    for reason, count in told["reasons"].items():
        samples = told["samples"].get(reason, [])
        remedies = {sample["remedy"] for sample in samples}
        shared = remedies.pop() if len(remedies) == 1 else ""  # said once where it is the same for all
        listed.append(
            {"reason": reason, "count": count, "share": 100 * count / most, "samples": samples, "remedy": shared}
        )
    return listed


def _listed(told: Mapping[str, Any], title: str, key: str, words: str) -> dict[str, Any]:
    samples = [each for kind in told[key] for each in told["samples"].get(f"dangling {kind}", ()) if key == "dangling"]
    return {"title": title, "words": words, "counts": told[key], "samples": samples}
