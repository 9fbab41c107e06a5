"""Spark: for data beyond one machine; here in local mode, on loopback only, without a user interface."""

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import ibis

from lab.preparation.engines.engine import MOMENT, Budget, EngineMissing, in_microseconds
from lab.preparation.engines.java import java_found

SHUFFLE_PARTITIONS = 4
"""Spark's default of 200 is for clusters."""


@ibis.udf.scalar.builtin(signature=((MOMENT,), "int64"))  # type: ignore[untyped-decorator]  # no types
def unix_micros(moment: Any) -> int:
    """Spark's own: microseconds since 1970."""
    raise NotImplementedError


class SparkEngine:
    """A session of its own, ended with the engine."""

    def __init__(self, session: Any, connection: Any) -> None:
        self._session = session
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, spill: Path, budget: Budget) -> Iterator[Self]:
        """An engine whose JVM is stopped at the end. Raises: EngineMissing."""
        if not java_found():
            raise EngineMissing("Spark needs Java 17 or newer: install it, or set JAVA_HOME; or use --engine duckdb")
        with warnings.catch_warnings():
            # PySpark warns of a newer pandas; nothing here passes through pandas.
            warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
            session = _session(spill, budget)
            try:
                yield cls(session, ibis.pyspark.connect(session))
            finally:
                session.stop()

    def read(self, path: Path) -> ibis.Table:
        """See Engine."""
        return in_microseconds(self._connection.read_parquet(str(path)), unix_micros)

    def write(self, rows: ibis.Table, path: Path) -> None:
        """See Engine. Spark writes a folder of part files, whose names are in the order of the rows."""
        types = {name: self._connection.compiler.type_mapper.to_string(kind) for name, kind in rows.schema().items()}
        query = self._connection.compile(rows)
        frame = self._session.sql(query).selectExpr(*(f"CAST(`{name}` AS {kind})" for name, kind in types.items()))
        frame.write.mode("overwrite").option("compression", "zstd").parquet(str(path))


def _session(spill: Path, budget: Budget) -> Any:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        sql = importlib.import_module("pyspark.sql")
    except ImportError as error:
        raise EngineMissing("Spark is not installed: `make spark` installs it; or use --engine duckdb") from error
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": f"{budget.memory_mb}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(spill),
        "spark.sql.warehouse.dir": str(spill / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
        "spark.log.level": "ERROR",
    }
    builder = sql.SparkSession.builder.master(f"local[{budget.threads}]").appName("vitrine")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
