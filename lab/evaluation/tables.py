"""Flat files of a header and rows, read as columns: CSV (gzip when the name ends in `.gz`) and Parquet."""

import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none")
"""Values of a CSV file that say that there is none."""
HEADER_ROWS = 1


class TableRefused(ValueError):  # noqa: N818  named like the errors of kit
    """A file that cannot be read as what it is said to be; the message names file, line or row, column and remedy."""


def read_table(path: Path, required: Sequence[str]) -> pa.Table:
    """A file's columns: of CSV all are text, null where missing; of Parquet they keep their types.

    Columns without a name (row numbers that some writers add) are left out.

    Raises:
        TableRefused: the file is absent, damaged or empty, or lacks a required column.

    """
    if path.is_dir():
        raise TableRefused(f"{path} is a folder; name the file in it")
    if not path.exists():
        raise TableRefused(f"{path} does not exist; check the path")
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        kind = "Parquet" if path.suffix == ".parquet" else "CSV in UTF-8 with a header"
        raise TableRefused(f"{path} is not readable as {kind}: {error}") from error
    _check_header(path, table.column_names, required)
    if not table.num_rows:
        raise TableRefused(f"{path} has a header and no rows; there is nothing to read")
    return table.select([name for name in table.column_names if name.strip()])


def _read_csv(path: Path) -> pa.Table:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        header = file.readline().decode("utf-8-sig").rstrip("\r\n")
    names = [name.strip().strip('"') for name in header.split(",")]
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=list(MISSING)
    )
    return arrow_csv.read_csv(
        path, convert_options=convert, parse_options=arrow_csv.ParseOptions(newlines_in_values=True)
    )


def _check_header(path: Path, names: Sequence[str], required: Sequence[str]) -> None:
    lacking = [name for name in required if name not in names]
    if lacking:
        raise TableRefused(
            f"{path} has no column {', '.join(map(repr, lacking))}; its header must name "
            f"{','.join(required)} (it names {','.join(names)})"
        )
    twice = sorted({name for name in names if name.strip() and list(names).count(name) > 1})
    if twice:
        raise TableRefused(f"{path} has the column {twice[0]!r} twice; rename or remove one of them")


def where(path: Path, row: int) -> str:
    """How a row, from 0, is named in messages: the line of a CSV file, the row of a Parquet file, both from 1."""
    return f"{path}, row {row + 1}" if path.suffix == ".parquet" else f"{path}, line {row + 1 + HEADER_ROWS}"


def texts(path: Path, table: pa.Table, name: str, missing: str | None = None) -> pa.Array:
    """`[N]` a column as text. Raises: TableRefused where a value is missing and `missing` does not stand in for it."""
    column = table.column(name).combine_chunks()
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    if column.null_count:
        if missing is None:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise TableRefused(f"{where(path, row)}: {name} is missing; give every row one, or leave the row out")
        column = column.fill_null(missing)
    return column


def numbers(path: Path, table: pa.Table, name: str) -> NDArray[np.float64]:
    """`[N]` a column as finite numbers. Raises: TableRefused for what is no number."""
    column = table.column(name).combine_chunks()
    found = as_numbers(column)
    if found is None:
        row, value = _first_wrong(column)
        raise TableRefused(f"{where(path, row)}: {name} {value!r} is not a number; write it as 3 or 3.5")
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        row = int(wrong[0])
        raise TableRefused(f"{where(path, row)}: {name} is missing or not finite; give every row a number")
    return found


def as_numbers(column: pa.Array) -> NDArray[np.float64] | None:
    """`[N]` a column as numbers, NaN where missing; None where a value is no number."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_trim_whitespace(column)
    try:
        cast = pc.cast(column, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return np.asarray(cast.to_numpy(zero_copy_only=False), np.float64)


def _first_wrong(column: pa.Array) -> tuple[int, str]:
    for row, value in enumerate(column.to_pylist()):
        try:
            float(value if value is not None else "nan")
        except (TypeError, ValueError):
            return row, str(value)
    return 0, str(column[0].as_py())


@contextmanager
def csv_target(path: Path) -> Iterator[IO[str]]:
    """A file to write text into, complete or not there; gzip when the name ends in `.gz`, with the same bytes for the
    same text.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6)
                with packed, io.TextIOWrapper(packed, "utf-8", newline="") as text:
                    yield text
            else:
                with io.TextIOWrapper(raw, "utf-8", newline="") as text:
                    yield text
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def decimals(values: Iterable[float]) -> list[str]:
    """Numbers with eight significant digits: more than any of them can be known to, few enough to be repeatable."""
    return [f"{value:.8g}" for value in values]
