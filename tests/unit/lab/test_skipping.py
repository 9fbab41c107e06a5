"""Passing over rows that are accounted for leaves exactly the others, whatever stands between."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.importing.mapping import FileOptions
from lab.importing.reading import lines
from lab.importing.reading.formats import open_source
from lab.importing.reading.reading import Reading
from lab.importing.reading.rows import BrokenRow, Row

LONG = "x" * 400


def csv_file(path: Path) -> None:
    path.write_bytes(
        b'id,text\n1,a\n\n2,"two\nlines"\n3\n4,d,e\n5,\xff\n' + f"6,{LONG}\n7,g\n".encode() + b'8,"h"\n\n9,"open'
    )


def json_file(path: Path) -> None:
    rows = ['{"id": 1}', "", '{"id": 2', "[3]", "  ", '{"id": 4}', json.dumps({"id": 5, "text": LONG}), '{"id": 6}', ""]
    path.write_text("\n".join(rows), encoding="utf-8")


def packed_file(path: Path) -> None:
    json_file(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def reject_file(path: Path) -> None:
    entries = [
        {"line": 10 * n, "field": "", "reason": "r", "remedy": "m", "row": {"id": n} if n % 3 else "x"}
        for n in range(8)
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def parquet_file(path: Path) -> None:
    pq.write_table(pa.table({"id": list(range(23))}), path, row_group_size=5)


def rows_behind(path: Path, skip: int) -> list[Row | BrokenRow]:
    source = open_source(path, FileOptions())
    try:
        return list(Reading(source, skip))
    finally:
        source.close()


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.csv", csv_file), ("a.jsonl", json_file), ("a.jsonl.gz", packed_file), ("r.jsonl", reject_file),
     ("a.parquet", parquet_file)],
)  # fmt: skip
def test_what_is_passed_over_is_missing_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 200)
    path = tmp_path / name
    write(path)
    whole = rows_behind(path, 0)
    assert len(whole) >= 6
    for skip in range(len(whole) + 2):
        assert rows_behind(path, skip) == whole[skip:], skip


def test_a_resumed_bar_begins_where_the_rows_are(tmp_path: Path) -> None:
    path, told = tmp_path / "a.jsonl", list[tuple[int, int, int]]()
    path.write_text('{"id": 1}\n' * 1_200, encoding="utf-8")
    source = open_source(path, FileOptions())
    list(Reading(source, 900, lambda *numbers: told.append(numbers)))
    source.close()
    size = path.stat().st_size
    assert [(total, rows) for _, total, rows in told] == [(size, 1_000), (size, 1_200)]
    assert told[0][0] > size // 2
