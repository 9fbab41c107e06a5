"""DuckDB and Spark make the same rows of the same files. Spark runs in a process of its own, through the command."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.exporting.tables import TABLES
from lab.preparation.prepare import Prepared, PrepareJob, prepare
from lab.preparation.tables import STEPS
from tests.exported_shop import moment_us, nasty_events, nasty_items, write_exported

NOW_US = moment_us(2026, 3, 1)
HOUSEHOLDS = 12
PATIENCE_S = 540
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For a JVM that lives for seconds: compile quickly, not well."""
COMMAND = (sys.executable, "-c", "from lab.commands import main; main()", "prepare", "--shop", "shop")


def prepared_by_spark(exported: Path, work: Path) -> Path:
    """The folder that the command made."""
    options = ("--engine", "spark", "--exported", str(exported), "--work", str(work), "--memory-mb", "512")
    environment = os.environ | {"JDK_JAVA_OPTIONS": QUICK_JAVA}
    done = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (work / "prepared" / "shop").glob("*-spark")
    return folder


def prepared_by_duckdb(exported: Path, folder: Path) -> Prepared:
    return prepare(PrepareJob("shop", exported, folder, NOW_US))


def compare(prepared: Prepared, folder: Path) -> None:
    for step in STEPS:
        by_spark = pq.read_table(folder / f"{step.name}.parquet")
        by_duckdb = pq.read_table(prepared.path(step.name))
        assert [(each.name, each.type) for each in by_spark.schema] == [
            (each.name, each.type) for each in by_duckdb.schema
        ], step.name
        assert by_spark.to_pylist() == by_duckdb.to_pylist(), step.name


@pytest.mark.spark
@pytest.mark.timeout(PATIENCE_S + 60)
def test_spark_makes_the_rows_that_duckdb_makes(tmp_path: Path) -> None:
    exported = write_exported(tmp_path / "exported", nasty_events(), nasty_items())
    compare(prepared_by_duckdb(exported, tmp_path / "prepared"), prepared_by_spark(exported, tmp_path / "work"))


@pytest.mark.spark
@pytest.mark.shared_data
@pytest.mark.timeout(PATIENCE_S + 60)
def test_spark_makes_the_rows_that_duckdb_makes_of_a_grocer(tmp_path: Path, shared_data: Path) -> None:
    exported = write_grocery(tmp_path / "exported", shared_data / "grocery")
    prepared = prepared_by_duckdb(exported, tmp_path / "prepared")
    assert prepared.tables["user_statistics"] == HOUSEHOLDS
    compare(prepared, prepared_by_spark(exported, tmp_path / "work"))


def write_grocery(folder: Path, grocery: Path) -> Path:
    """A few households' purchases and all items as exported files."""
    folder.mkdir(parents=True)
    purchases, items = (str(grocery / f"{name}.parquet") for name in ("purchases", "items"))
    with duckdb.connect() as connection:
        connection.execute(
            "SELECT row_number() OVER (ORDER BY occurred_at, user_id, item_id, basket_id, sales_value)::VARCHAR AS "
            "event_id, 'purchase' AS action, occurred_at::TIMESTAMP AS occurred_at, user_id AS user_pseudonym, item_id "
            "FROM read_parquet($1) WHERE user_id IN "
            "(SELECT DISTINCT user_id FROM read_parquet($1) ORDER BY 1 LIMIT $2)",
            [purchases, HOUSEHOLDS],
        )
        _write(folder, "events", connection.fetchall(), [each[0] for each in connection.description])
        connection.execute(
            "SELECT item_id, item_id AS family_id, brand, department || coalesce('/' || product_category, '') AS "
            "category, 100 + row_number() OVER (ORDER BY item_id) * 7 % 997 AS price_minor, 'USD' AS currency, "
            "TIMESTAMP '2017-01-01' AS created_at FROM read_parquet($1)",
            [items],
        )
        _write(folder, "items", connection.fetchall(), [each[0] for each in connection.description])
    return folder


def _write(folder: Path, kind: str, rows: list[tuple], names: list[str]) -> None:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    table = TABLES[kind]
    arrays = [
        pa.array(columns[name], kind_of).cast(kind_of) if name in columns else pa.nulls(len(rows), kind_of)
        for name, kind_of in table.columns.items()
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=table.schema), folder / f"{kind}.parquet")
