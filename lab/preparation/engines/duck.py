"""DuckDB in this process: the default."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import ibis

from lab.preparation.engines.engine import MOMENT, Budget, in_microseconds


@ibis.udf.scalar.builtin(signature=((MOMENT,), "int64"))  # type: ignore[untyped-decorator]  # no types
def epoch_us(moment: Any) -> int:
    """DuckDB's own: microseconds since 1970."""
    raise NotImplementedError


class DuckEngine:
    """A connection with a memory limit and a spill folder."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, spill: Path, budget: Budget) -> Iterator[Self]:
        """An engine that is closed at the end."""
        connection = ibis.duckdb.connect(
            memory_limit=f"{budget.memory_mb}MB", temp_directory=str(spill), threads=budget.threads
        )
        try:
            yield cls(connection)
        finally:
            connection.disconnect()

    def read(self, path: Path) -> ibis.Table:
        """See Engine."""
        return in_microseconds(self._connection.read_parquet(str(path)), epoch_us)

    def write(self, rows: ibis.Table, path: Path) -> None:
        """See Engine. Sums are 128 bits wide in DuckDB, which Parquet cannot hold: each column is cast as declared."""
        types = {name: self._connection.compiler.type_mapper.to_string(kind) for name, kind in rows.schema().items()}
        columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types.items())
        target = str(path).replace("'", "''")
        query = self._connection.compile(rows)
        statement = f"COPY (SELECT {columns} FROM ({query})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        self._connection.raw_sql(statement)
