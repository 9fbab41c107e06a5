"""JSON Lines: one object a line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from lab.importing.reading.lines import LineFile
from lab.importing.reading.overlong import refused_lines
from lab.importing.reading.rows import BrokenRow, Row

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_HALF = "half a character (a lone surrogate such as \\ud83d); export the text whole"
_WANTED = "JSON is always UTF-8: convert the file (iconv -f LATIN1 -t UTF-8) or export it again"


class JsonLinesSource:
    """Reads objects; blank lines do not count."""

    def __init__(self, path: Path) -> None:
        self._file = LineFile(path)
        self.total_bytes = self._file.total_bytes
        self.bytes_read = self._file.bytes_read
        self.close = self._file.close

    def rows(self, skip: int = 0) -> Iterator[Row | BrokenRow]:
        """Yield every object behind the first `skip`. Raises: FileRefused when the file cannot be read on."""
        decode = json.JSONDecoder().raw_decode
        file = self._file
        for line in file.lines():
            if skip > 0:
                skip -= bool(file.overlong) or not line.isspace()
                file.overlong.clear()
                continue
            if file.overlong:
                yield from refused_lines(file)
                continue
            if line.isspace():
                continue
            try:
                text = line.decode().strip()
                values, end = decode(text)
                if end != len(text):
                    raise json.JSONDecodeError("more than one value", text, end)
            except UnicodeDecodeError as error:
                yield _broken(
                    file.number,
                    line,
                    "encoding",
                    f"not UTF-8 at byte {error.start}; {_WANTED}",
                )
            except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
                yield _broken(file.number, line, "json", f"not valid JSON ({error}); one object a line is wanted")
            else:
                # Only an escape can bring half a character in, and nobody behind this can write one in UTF-8.
                if _ESCAPED_HALF.search(text) and _HALF_CHARACTER.search(json.dumps(values, ensure_ascii=False)):
                    yield _broken(file.number, line, "encoding", _HALF)
                elif isinstance(values, dict):
                    yield Row(file.number, values)
                else:
                    yield _broken(file.number, line, "json", "not a JSON object; one object a line is wanted")


def _broken(number: int, line: bytes, reason: str, remedy: str) -> BrokenRow:
    return BrokenRow(number, reason, remedy, line[:200].decode("utf-8", "replace").rstrip("\n"))
