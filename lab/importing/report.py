"""The account of an import: read = imported + merged + held + rejected, always."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.importing.shape import USERS, Shape, add_shape, history_lengths
from lab.importing.tally import MOST_NOTES, SAMPLES_A_REASON, Sample, Tally


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
    held: int = 0
    """Rows that wait in the holding store for items that are not there yet."""
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Rejected rows by reason."""
    merged_by: Counter[str] = field(default_factory=Counter)
    """Merged rows by rule."""
    filled: Counter[str] = field(default_factory=Counter)
    """Gaps filled, by the rule that filled them."""
    dangling: Counter[str] = field(default_factory=Counter)
    """References to things that are not there, by kind: pictures, items, variants."""
    service: Counter[str] = field(default_factory=Counter)
    """What the service counted."""
    joined: Counter[str] = field(default_factory=Counter)
    """Rows of earlier imports that waited for the items of this one, by kind and fate."""
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    """A few examples of every reason and of every kind of dangling reference."""
    notes: list[str] = field(default_factory=list)
    """Decisions about single rows, at most a thousand."""
    problems: list[str] = field(default_factory=list)
    """What ended the reading early, or rules that need a person."""
    shape: Shape = field(default_factory=dict)
    """What the data looks like: counts by key, by chart."""
    sample_bits: int = 0
    """The shape's sample of users holds one user in 2 to the power of this."""
    resumed_rows: int = 0
    """Rows that an interrupted run of the same import had accounted for."""
    seconds: float = 0.0

    def add(self, tally: Tally) -> None:
        """Take in what became of a batch of rows."""
        self.read += tally.read_count
        self.imported += tally.imported_count
        self.merged += tally.merged_by.total()
        self.held += len(tally.held_rows)
        self.rejected += tally.reasons.total()
        self.merged_by.update(tally.merged_by)
        self.reasons.update(tally.reasons)
        self.filled.update(tally.filled_by)
        self.dangling.update(tally.dangling_by)
        self.service.update(tally.service)
        self.notes += tally.notes[: MOST_NOTES - len(self.notes)]
        for sample in tally.samples:
            known = self.samples.setdefault(sample.reason, [])
            if len(known) < SAMPLES_A_REASON:
                known.append(sample)
        self.sample_bits = add_shape(self.shape, tally.shape, self.sample_bits)

    def note(self, text: str) -> None:
        """Add a line about the import as a whole while there is room."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def balanced(self) -> bool:
        """Say whether every row that was read is accounted for."""
        return self.read == self.imported + self.merged + self.held + self.rejected

    @property
    def rows_per_second(self) -> int:
        """Speed of this run; rows that an earlier one accounted for do not count."""
        return round((self.read - self.resumed_rows) / self.seconds) if self.seconds > 0 else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values, counts by descending number."""
        counts = {name: dict(getattr(self, name).most_common()) for name in COUNTERS}
        plain = {name: getattr(self, name) for name in PLAIN}
        samples = {reason: [each._asdict() for each in found] for reason, found in self.samples.items()}
        charts = {name: dict(counts.most_common()) for name, counts in self.shape.items() if name != USERS}
        lengths = history_lengths(self.shape, self.sample_bits)
        shape = {**charts, **({"users by number of events": lengths} if lengths else {})}
        details = {"shape": shape, "samples": samples, "notes": self.notes, "problems": self.problems}
        return {
            **plain,
            **counts,
            **details,
            "seconds": round(self.seconds, 3),
            "lines_per_second": self.rows_per_second,
        }

    def state(self) -> dict[str, Any]:
        """Return all that `report_of` needs to go on counting."""
        shape = {name: dict(counts) for name, counts in self.shape.items()}
        return {**self.as_dict(), "shape": shape, "sample_bits": self.sample_bits}

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


COUNTERS = ("reasons", "merged_by", "filled", "dangling", "service", "joined")
PLAIN = ("kind", "file", "shop_id", "dry_run", "read", "imported", "merged", "held", "rejected", "resumed_rows")


def report_of(state: dict[str, Any]) -> ImportReport:
    """Return the report that `state` wrote down."""
    report = ImportReport(**{name: state[name] for name in PLAIN})
    for name in COUNTERS:
        setattr(report, name, Counter(state[name]))
    report.samples = {reason: [Sample(**each) for each in found] for reason, found in state["samples"].items()}
    report.shape = {name: Counter(counts) for name, counts in state["shape"].items()}
    report.sample_bits = int(state["sample_bits"])
    report.notes, report.problems = list(state["notes"]), list(state["problems"])
    return report
