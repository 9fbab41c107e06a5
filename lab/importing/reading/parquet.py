"""Parquet files, a few thousand rows at a time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lab.importing.problems import FileRefused
from lab.importing.reading.rows import BrokenRow, Row

_ROWS_A_BATCH = 2_048


class ParquetSource:
    """Reads rows; nested columns become nested values."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise FileRefused(f"{path} is a folder; name the file in it.")
        if not path.exists():
            raise FileRefused(f"{path} does not exist; check the path.")
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise FileRefused(f"{path} is not a readable Parquet file: {error}") from error
        self._path = path
        self._rows_read = 0
        self.total_bytes = path.stat().st_size

    def rows(self) -> Iterator[Row | BrokenRow]:
        """Yield every row. Raises: FileRefused when a row group is damaged."""
        batches = self._file.iter_batches(batch_size=_ROWS_A_BATCH)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                values = batch.to_pylist()
            except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
                raise FileRefused(
                    f"{self._path} is damaged behind row {self._rows_read:,} ({error}); what came before is kept."
                ) from error
            for row in values:
                self._rows_read += 1
                yield Row(self._rows_read, row)

    def bytes_read(self) -> int:
        """Return the share of the file that the rows read so far stand for."""
        rows = max(int(self._file.metadata.num_rows), 1)
        return self.total_bytes * self._rows_read // rows

    def close(self) -> None:
        """Close the file."""
        self._file.close()
