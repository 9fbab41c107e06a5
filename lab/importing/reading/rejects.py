"""Reject files as input: rows that were rejected, mended by hand, imported alone."""

import json
from collections.abc import Iterator
from pathlib import Path

from lab.importing.reading.jsonl import JsonLinesSource
from lab.importing.reading.lines import LineFile
from lab.importing.reading.rows import MEND, BrokenRow, Row

_KEYS = frozenset({"line", "field", "reason", "remedy", "row"})
_UNREADABLE = (
    "the line itself could not be read and only its beginning is kept; write `row` as an object with the columns, "
    "or leave the entry out"
)


def is_reject_file(path: Path) -> bool:
    """Say whether a file's first line is an entry of a reject file."""
    file = LineFile(path)
    try:
        entry = json.loads(next(file.lines(), b""))
    except (ValueError, RecursionError):
        return False
    finally:
        file.close()
    return isinstance(entry, dict) and entry.keys() == _KEYS


class RejectSource:
    """Reads the `row` of every entry, under the line number that it had in the shop's file."""

    def __init__(self, path: Path) -> None:
        self._entries = JsonLinesSource(path)
        self.total_bytes = self._entries.total_bytes
        self.bytes_read = self._entries.bytes_read
        self.close = self._entries.close

    def rows(self, skip: int = 0) -> Iterator[Row | BrokenRow]:
        """Yield every entry's row behind the first `skip`. Raises: FileRefused when the file cannot be read on."""
        for entry in self._entries.rows(skip):
            yield entry if isinstance(entry, BrokenRow) else _row(entry)


def _row(entry: Row) -> Row | BrokenRow:
    line, row = entry.values.get("line"), entry.values.get("row")
    number = line if isinstance(line, int) else entry.line
    if isinstance(row, dict) and MEND not in row:
        return Row(number, row)
    if isinstance(row, dict):
        reason, remedy = str(entry.values.get("reason")), str(entry.values.get("remedy"))
        return BrokenRow(number, reason, remedy, "", row)
    return BrokenRow(number, "row_unreadable", _UNREADABLE, "" if row is None else str(row)[:200])
