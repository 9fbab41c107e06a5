"""Parquet files, a few thousand rows at a time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lab.importing.problems import FileRefused
from lab.importing.reading.rows import BrokenRow, Row

_ROWS_A_BATCH = 2_048
_ROWS_IN_COLUMNS = 5_000


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

    def rows(self, skip: int = 0) -> Iterator[Row | BrokenRow]:
        """Yield every row behind the first `skip`. Raises: FileRefused when a row group is damaged."""
        groups = self._groups_behind(skip)
        skip -= self._rows_read
        batches = self._file.iter_batches(batch_size=_ROWS_A_BATCH, row_groups=groups)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                passed = min(skip, batch.num_rows)
                skip -= passed
                self._rows_read += passed
                values = batch.slice(passed).to_pylist()
            except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
                raise self.damaged(self._rows_read, error) from error
            for row in values:
                self._rows_read += 1
                yield Row(self._rows_read, row)

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        return self._file.schema_arrow

    def batches(self, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the rows behind the first `skip` as columns, whose values may still turn out to be damaged.

        Raises: FileRefused when a row group is damaged.
        """
        groups = self._groups_behind(skip)
        skip -= self._rows_read
        batches = self._file.iter_batches(batch_size=_ROWS_IN_COLUMNS, row_groups=groups)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowInvalid, OSError) as error:
                raise self.damaged(self._rows_read, error) from error
            if batch is None:
                return
            passed = min(skip, batch.num_rows)
            skip -= passed
            self._rows_read += batch.num_rows
            if passed < batch.num_rows:
                yield batch.slice(passed)

    def damaged(self, rows_read: int, error: Exception) -> FileRefused:
        """Return what is to be said when the file cannot be read on."""
        return FileRefused(f"{self._path} is damaged behind row {rows_read:,} ({error}); what came before is kept.")

    def _groups_behind(self, skip: int) -> list[int]:
        """Pass over whole row groups; return the others."""
        metadata = self._file.metadata
        first = 0
        while first < metadata.num_row_groups:
            rows = int(metadata.row_group(first).num_rows)
            if self._rows_read + rows > skip:
                break
            self._rows_read += rows
            first += 1
        return list(range(first, metadata.num_row_groups))

    def bytes_read(self) -> int:
        """Return the share of the file that the rows read so far stand for."""
        rows = max(int(self._file.metadata.num_rows), 1)
        return self.total_bytes * self._rows_read // rows

    def close(self) -> None:
        """Close the file."""
        self._file.close()
