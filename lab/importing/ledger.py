"""Counts rows, batch by batch, into the report, the reject file, the holding store and the checkpoint."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from lab.importing.checkpoint import Checkpoint, ImportFolder
from lab.importing.problems import Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.report import ImportReport
from lab.importing.shape import Shape
from lab.importing.tally import HeldRow, Tally

Hold = Callable[[Sequence[HeldRow]], None]
Supersede = Callable[[Sequence[str]], None]


class Ledger:
    """The account of an import under way.

    Rows are counted into an open tally. An importer that sends in batches cuts the tally with each batch, counts the
    answer into it, and commits it when the batch is acknowledged, in file order; then `checkpoint` makes that the place
    where a killed import goes on. So the report, the reject file and the services always agree, however far ahead the
    reading is.
    """

    def __init__(
        self,
        report: ImportReport,
        folder: ImportFolder,
        begun: Checkpoint | None = None,
        hold: Hold | None = None,
        supersede: Supersede | None = None,
    ) -> None:
        self.report = report
        self.folder = folder
        self.sent = begun.sent if begun is not None else None
        """Of a spooled import: how much of the finished spool an earlier run has sent; None: read the file first."""
        self._hold = hold
        self._supersede = supersede
        self._open = Tally()
        self._rejects = _opened(folder.rejects, begun.reject_bytes if begun is not None else 0)

    @property
    def holds(self) -> bool:
        """Say whether rows can wait for items; if not, they are rejected."""
        return self._hold is not None

    @property
    def open(self) -> Tally:
        """The tally that rows are counted into now."""
        return self._open

    def cut(self) -> Tally:
        """Return the tally of all rows since the last cut and begin a new one."""
        tally, self._open = self._open, Tally()
        return tally

    def commit(self, tally: Tally | None = None) -> None:
        """Make a tally part of the report; without one, what was counted since the last cut."""
        tally = self.cut() if tally is None else tally
        if tally.held_rows and self._hold is not None:
            self._hold(tally.held_rows)
        self._rejects.write("".join(f"{line}\n" for line in tally.reject_lines).encode())
        self.report.add(tally)

    def checkpoint(self, sent: int | None = None) -> None:
        """Make what is committed the place where a killed import goes on.

        `sent` is for spooled imports whose file is read to its end; streamed ones go on behind `report.read` rows.
        """
        self._rejects.flush()
        os.fsync(self._rejects.fileno())
        self.folder.save(Checkpoint(self.report.state(), self._rejects.tell(), sent))

    def read(self, count: int = 1) -> None:
        """Count rows that were read."""
        self._open.read(count)

    def imported(self, count: int = 1) -> None:
        """Count rows that are in the shop."""
        self._open.imported(count)

    def merged(self, rule: str, count: int = 1) -> None:
        """Count rows that are in the shop as part of another."""
        self._open.merged(rule, count)

    def filled(self, rule: str, count: int = 1) -> None:
        """Count gaps that were filled."""
        self._open.filled(rule, count)

    def dangling(self, kind: str, line: int = 0, value: str = "") -> None:
        """Count a reference to what is not there."""
        self._open.dangling(kind, line, value)

    def shaped(self, shape: Shape) -> None:
        """Take in what some rows look like."""
        self._open.shaped(shape)

    def note(self, text: str) -> None:
        """Add a line about a single row."""
        self._open.note(text)

    def rejected(self, line: int, violation: Violation, row: Any) -> None:
        """Count a row that is not imported and write down why."""
        self._open.rejected(line, violation, row)

    def broken(self, row: BrokenRow) -> None:
        """Count a row that could not be read."""
        self._open.broken(row)

    def held(self, row: Row, item_ids: Sequence[str]) -> None:
        """Count a row that waits for items; where nothing can wait it is rejected."""
        if self._hold is not None:
            self._open.held(row, item_ids)
        else:
            named = ", ".join(item_ids[:3])
            remedy = f"there is no item {named}; import the items first"
            self._open.rejected(row.line, Violation("item_id", "item_unknown", remedy), row.values)

    def superseded(self, keys: Sequence[str]) -> None:
        """Say that what earlier files said about these campaigns, or items' pictures, need not wait any longer."""
        if self._supersede is not None:
            self._supersede(keys)

    def close(self) -> None:
        """Close the reject file."""
        self._rejects.close()


def _opened(path: Path, length: int) -> BinaryIO:
    """Open the reject file behind what is accounted for: rows behind the checkpoint are read again."""
    file = path.open("r+b" if path.exists() else "w+b")
    file.truncate(length)
    file.seek(length)
    return file
