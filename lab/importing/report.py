"""The account of an import: read = imported + merged + rejected, always."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from lab.importing.problems import Violation

MOST_NOTES = 1_000


@dataclass
class ImportReport:
    """What became of every row of a file."""

    kind: str
    file: str
    shop_id: str
    dry_run: bool = False
    read: int = 0
    """Records in the file, readable or not."""
    imported: int = 0
    """Rows that are in the shop now as items, events, ... of their own; in a dry run, that would be."""
    merged: int = 0
    """Rows whose content is in the shop as part of another row: variants, repetitions, what was there before."""
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Rejected rows by reason."""
    merged_by: Counter[str] = field(default_factory=Counter)
    """Merged rows by rule."""
    filled: Counter[str] = field(default_factory=Counter)
    """Gaps filled, by the rule that filled them."""
    dangling: Counter[str] = field(default_factory=Counter)
    """References to things that are not there, by kind: pictures, items, variants."""
    service: dict[str, int] = field(default_factory=dict)
    """What the service counted."""
    notes: list[str] = field(default_factory=list)
    """Decisions about single rows, at most a thousand."""
    problems: list[str] = field(default_factory=list)
    """What ended the reading early, or rules that need a person."""
    seconds: float = 0.0

    def note(self, text: str) -> None:
        """Add a line about a single row while there is room."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def balanced(self) -> bool:
        """Say whether every row that was read is accounted for."""
        return (
            self.read == self.imported + self.merged + self.rejected
            and self.rejected == sum(self.reasons.values())
            and self.merged == sum(self.merged_by.values())
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values, counts by descending number."""
        counts = {name: dict(getattr(self, name).most_common()) for name in _COUNTERS}
        plain = {name: getattr(self, name) for name in _PLAIN}
        details = {name: getattr(self, name) for name in _DETAILS}
        speed = round(self.read / self.seconds) if self.seconds > 0 else 0
        return {**plain, **counts, **details, "seconds": round(self.seconds, 3), "lines_per_second": speed}

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


_COUNTERS = ("reasons", "merged_by", "filled", "dangling")
_PLAIN = ("kind", "file", "shop_id", "dry_run", "read", "imported", "merged", "rejected")
_DETAILS = ("service", "notes", "problems")


class Ledger:
    """Counts rows into a report and writes the rejected ones to the reject file."""

    def __init__(self, report: ImportReport, rejects: Path | None) -> None:
        self.report = report
        self._file: TextIO | None = None
        if rejects is not None:
            rejects.parent.mkdir(parents=True, exist_ok=True)
            self._file = rejects.open("w", encoding="utf-8")

    def read(self) -> None:
        """Count a row that was read."""
        self.report.read += 1

    def imported(self, count: int = 1) -> None:
        """Count rows that are in the shop."""
        self.report.imported += count

    def merged(self, rule: str, count: int = 1) -> None:
        """Count rows that are in the shop as part of another."""
        if count:
            self.report.merged += count
            self.report.merged_by[rule] += count

    def filled(self, rule: str) -> None:
        """Count a gap that was filled."""
        self.report.filled[rule] += 1

    def rejected(self, line: int, violation: Violation, row: Any) -> None:
        """Count a row that is not imported and write down why."""
        self.report.rejected += 1
        self.report.reasons[violation.reason] += 1
        if self._file is None:
            return
        entry = {
            "line": line, "field": violation.field, "reason": violation.reason, "remedy": violation.remedy, "row": row,
        }  # fmt: skip
        self._file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
