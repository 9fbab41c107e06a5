"""The rows of a file that are still to be imported, watched."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lab.importing.problems import FileRefused
from lab.importing.reading.rows import BrokenRow, Row, Source

Progress = Callable[[int, int, int], None]
"""Called now and then with (bytes behind us, bytes in all, rows read)."""

_ROWS_BETWEEN_REPORTS = 500


@dataclass
class Reading:
    """What an importer is given: iterate over it row by row, or read `source` in batches behind `skip` rows.

    Whoever reads in batches calls `tell` now and then and adds a FileRefused to `problems`, as the iteration does.
    """

    source: Source
    skip: int = 0
    """Rows that an earlier run has accounted for."""
    progress: Progress = lambda *_: None
    problems: list[str] = field(default_factory=list)
    """Where the file broke off."""

    def __iter__(self) -> Iterator[Row | BrokenRow]:
        count = self.skip
        try:
            for row in self.source.rows(self.skip):
                yield row
                count += 1
                if count % _ROWS_BETWEEN_REPORTS == 0:
                    self.tell(count)
        except FileRefused as error:
            if str(error) not in self.problems:  # a resumed run meets the same end again
                self.problems.append(str(error))
        self.progress(self.source.total_bytes, self.source.total_bytes, count)

    def tell(self, count: int) -> None:
        """Tell the progress after so many rows of the file."""
        self.progress(self.source.bytes_read(), self.source.total_bytes, count)
