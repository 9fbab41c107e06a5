"""Reports the lines that were skipped for their length."""

from collections.abc import Iterator

from lab.importing.reading.lines import LineFile
from lab.importing.reading.rows import LONGEST_LINE_BYTES, BrokenRow


def refused_lines(file: LineFile) -> Iterator[BrokenRow]:
    """Yield a broken row for each line skipped since the last call."""
    for number, excerpt in file.overlong:
        remedy = f"the line is longer than {LONGEST_LINE_BYTES:,} bytes; is a line end missing?"
        yield BrokenRow(number, "line_too_long", remedy, excerpt)
    file.overlong.clear()
