"""What became of some rows: a part of the report that counts when its batch is acknowledged, and not before."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lab.importing.problems import Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.shape import Shape

LONGEST_EXCERPT = 120
SAMPLES_A_REASON = 5
MOST_NOTES = 1_000
HEAVY_BYTES = 8 * 2**20


class Sample(NamedTuple):
    """One example of a reason."""

    reason: str
    line: int
    field: str
    value: str
    """The beginning of the value at fault."""
    remedy: str


class HeldRow(NamedTuple):
    """A row that waits for items which are not there yet."""

    line: int
    row: dict[str, Any]
    item_ids: tuple[str, ...]
    """The items it waits for."""


@dataclass
class Tally:
    """Counts of some rows of a file. Cut from a ledger batch by batch and committed to it in the same order."""

    read_count: int = 0
    imported_count: int = 0
    merged_by: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    filled_by: Counter[str] = field(default_factory=Counter)
    dangling_by: Counter[str] = field(default_factory=Counter)
    service: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    held_rows: list[HeldRow] = field(default_factory=list)
    reject_lines: list[str] = field(default_factory=list)
    reject_bytes: int = 0
    shape: Shape = field(default_factory=dict)

    @property
    def heavy(self) -> bool:
        """Say whether it holds so many rejected rows that it should be committed soon."""
        return self.reject_bytes > HEAVY_BYTES

    def read(self, count: int = 1) -> None:
        """Count rows that were read."""
        self.read_count += count

    def imported(self, count: int = 1) -> None:
        """Count rows that are in the shop."""
        self.imported_count += count

    def merged(self, rule: str, count: int = 1) -> None:
        """Count rows that are in the shop as part of another."""
        if count:
            self.merged_by[rule] += count

    def filled(self, rule: str, count: int = 1) -> None:
        """Count gaps that were filled."""
        if count:
            self.filled_by[rule] += count

    def dangling(self, kind: str, line: int = 0, value: str = "", count: int = 1) -> None:
        """Count references to what is not there; `value` is an example."""
        if count:
            self.dangling_by[kind] += count
        if value and self.dangling_by[kind] <= SAMPLES_A_REASON:
            self.samples.append(Sample(f"dangling {kind}", line, "", value[:LONGEST_EXCERPT], ""))

    def shaped(self, shape: Shape) -> None:
        """Take in what some rows look like."""
        for chart, counts in shape.items():
            self.shape.setdefault(chart, Counter()).update(counts)

    def note(self, text: str) -> None:
        """Add a line about a single row."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def rejected(self, line: int, violation: Violation, row: Any) -> None:
        """Count a row that is not imported and write down why."""
        self.reasons[violation.reason] += 1
        if self.reasons[violation.reason] <= SAMPLES_A_REASON:
            value = _excerpt(row, violation.field)
            self.samples.append(Sample(violation.reason, line, violation.field, value, violation.remedy))
        entry = {
            "line": line, "field": violation.field, "reason": violation.reason, "remedy": violation.remedy, "row": row,
        }  # fmt: skip
        text = json.dumps(entry, ensure_ascii=False, default=str)
        self.reject_lines.append(text)
        self.reject_bytes += len(text)

    def broken(self, row: BrokenRow) -> None:
        """Count a row that could not be read."""
        self.rejected(row.line, Violation("", row.reason, row.remedy), row.values or row.excerpt)

    def held(self, row: Row, item_ids: Sequence[str]) -> None:
        """Count a row that waits for items."""
        self.held_rows.append(HeldRow(row.line, row.values, tuple(item_ids)))


def _excerpt(row: Any, name: str) -> str:
    """Return the beginning of the value at fault; of the whole row when the file names that column otherwise."""
    value = row
    if isinstance(row, dict):
        value = row.get(name, row.get(f"{name}_minor", row))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_EXCERPT else text[: LONGEST_EXCERPT - 1] + "…"
