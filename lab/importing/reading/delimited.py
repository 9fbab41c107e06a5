"""CSV and its relatives: a header line, then one record a line or more."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lab.importing.problems import FileRefused
from lab.importing.reading.lines import LineFile
from lab.importing.reading.overlong import refused_lines
from lab.importing.reading.rows import LONGEST_LINE_BYTES, MEND, BrokenRow, Row

_OTHER_ENCODING = 'export as UTF-8, or say what it is in the mapping: file = { encoding = "latin-1" }'
_DELIMITERS = (",", ";", "\t", "|")


class DelimitedSource:
    """Reads records by the names in the header; quoted fields may hold line ends."""

    def __init__(self, path: Path, delimiter: str = "", encoding: str = "utf-8") -> None:
        self._file = LineFile(path)
        self._delimiter = delimiter
        self._encoding = encoding
        self.total_bytes = self._file.total_bytes
        self.bytes_read = self._file.bytes_read
        self.close = self._file.close

    def rows(self, skip: int = 0) -> Iterator[Row | BrokenRow]:
        """Yield every record behind the first `skip`.

        Raises: FileRefused when the file has no header or cannot be read on.
        """
        return islice(self._rows(skip), skip, None)

    def _rows(self, skip: int) -> Iterator[Row | BrokenRow]:
        csv.field_size_limit(LONGEST_LINE_BYTES)
        file = self._file
        lines = self._text()
        first = next(lines, "")
        reader = csv.reader(_chained(first, lines), delimiter=self._delimiter or _guess(first))
        header = self._header(next(reader, []))
        passed = BrokenRow(0, "", "", "")
        while True:
            start = file.number + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                skip -= 1
                yield BrokenRow(start, "quoting", f"{error}; is a quote left open?", "")
                continue
            if file.overlong:
                skip -= len(file.overlong)
                yield from refused_lines(file)
                continue
            if record:
                skip -= 1
                yield self._row(start, header, record) if skip < 0 else passed

    def _text(self) -> Iterator[str]:
        # Bytes that are not text become lone surrogates here and a refused row below: the rest of the file goes on.
        for line in self._file.lines():
            yield line.decode(self._encoding, "surrogateescape")

    def _header(self, names: list[str]) -> list[str]:
        header = [name.strip() for name in names]
        if not any(header):
            raise FileRefused(f"{self._file.path} has no header line; the first line must name the columns.")
        doubled = sorted({name for name in header if header.count(name) > 1})
        if doubled:
            raise FileRefused(f"{self._file.path} names columns twice: {', '.join(doubled)}; rename one of them.")
        return header

    def _row(self, start: int, header: list[str], record: list[str]) -> Row | BrokenRow:
        excerpt = ",".join(record)[:200]
        if len(record) != len(header):
            remedy = f"{len(record)} columns where the header has {len(header)}; check quotes and delimiters"
            return BrokenRow(start, "columns", remedy, _printable(excerpt), _cells(header, record, remedy))
        for name, value in zip(header, record, strict=True):
            if not value.isascii() and _has_surrogate(value):
                remedy = f"column {name} is not {self._encoding}; {_OTHER_ENCODING}"
                return BrokenRow(start, "encoding", remedy, _printable(excerpt), _cells(header, record, remedy))
        return Row(start, dict(zip(header, record, strict=True)))


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _guess(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _has_surrogate(value: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in value)


def _cells(header: list[str], record: list[str], remedy: str) -> dict[str, str]:
    """Return cells by column; what stands behind the last column is named by its place."""
    names = [*header, *(f"(column {place})" for place in range(len(header) + 1, len(record) + 1))]
    return {MEND: remedy, **dict(zip(names, map(_printable, record), strict=False))}


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
