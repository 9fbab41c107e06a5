"""Readers: the same rows whatever the format, and a clear word about every broken file."""

import csv
import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.importing.mapping import FileOptions
from lab.importing.problems import FileRefused
from lab.importing.reading.formats import open_source
from lab.importing.reading.rows import LONGEST_LINE_BYTES, BrokenRow, Row

ROWS = [{"id": str(number), "name": f"Größe {number}\nzwei", "tags": "a,b"} for number in range(5)]


def write_csv(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ROWS[0].keys())
        writer.writeheader()
        writer.writerows(ROWS)


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")


def write_parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path)


def packed(path: Path, ending: str) -> Path:
    target = path.with_name(path.name + ending)
    if ending == ".gz":
        target.write_bytes(gzip.compress(path.read_bytes()))
    else:
        with pa.CompressedOutputStream(str(target), "zstd") as file:
            file.write(path.read_bytes())
    return target


def read(path: Path, **options: Any) -> list[Row | BrokenRow]:
    source = open_source(path, FileOptions(**options))
    try:
        return list(source.rows())
    finally:
        source.close()


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize(("name", "write"), [("rows.csv", write_csv), ("rows.jsonl", write_jsonl)])
def test_text_files_give_the_same_rows_compressed_or_not(tmp_path: Path, name: str, write: Any, ending: str) -> None:
    path = tmp_path / name
    write(path)
    rows = read(packed(path, ending) if ending else path)
    assert [row.values for row in rows if isinstance(row, Row)] == ROWS


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    write_parquet(tmp_path / "rows.parquet")
    rows = read(tmp_path / "rows.parquet")
    assert [row.values for row in rows if isinstance(row, Row)] == ROWS
    assert [row.line for row in rows] == [1, 2, 3, 4, 5]


def test_lines_are_counted_where_a_record_begins(tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv")
    assert [row.line for row in read(tmp_path / "rows.csv")] == [2, 4, 6, 8, 10]


def test_a_byte_order_mark_and_semicolons_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbfid;name\r\n1;a,b\r\n")
    assert read(path) == [Row(2, {"id": "1", "name": "a,b"})]


def test_a_truncated_archive_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    whole = gzip.compress(
        "".join(json.dumps({"n": n, "x": f"{n * 7919 % 1009}"}) + "\n" for n in range(5_000)).encode()
    )
    path.write_bytes(whole[: len(whole) // 2])
    source = open_source(path, FileOptions())
    rows = []
    with pytest.raises(FileRefused, match=r"damaged behind line [\d,]+ .*what came before is kept"):
        for row in source.rows():
            rows.append(row)  # noqa: PERF402  the rows before the error are what is tested
    source.close()
    assert 100 < len(rows) < 5_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "is empty"),
        ("wide.csv", "id,name\n".encode("utf-16"), "UTF-16"),
        ("picture.csv", b"\x89PNG\x00\x00", "not a text file"),
        ("rows.xlsx", b"PK", "ending does not tell"),
        ("rows.parquet", b"PAR1 no", "not a readable Parquet"),
        ("twice.csv", b"id,id\n1,2\n", "names columns twice: id"),
        ("blank.csv", b"\n1,2\n", "no header line"),
        ("text.csv.gz", b"not gzip at all", "damaged"),
    ],
)
def test_a_broken_file_is_refused_with_a_reason(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=message):
        read(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="is a folder"):
        read(tmp_path)
    with pytest.raises(FileRefused, match="does not exist"):
        read(tmp_path / "none.csv")


def test_broken_rows_do_not_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\nnonsense\n[1]\n\n{"a": "\xff"}\n{"a": 2} {"a": 3}\n{"a": 4}\n')
    rows = read(path)
    assert [type(row) for row in rows] == [Row, BrokenRow, BrokenRow, BrokenRow, BrokenRow, Row]
    assert [row.reason for row in rows if isinstance(row, BrokenRow)] == ["json", "json", "encoding", "json"]
    assert [row.line for row in rows] == [1, 2, 3, 5, 6, 7]


def test_a_row_in_another_encoding_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("id,name\n1,ok\n2,Größe\n3,ok\n".encode("latin-1"))
    rows = read(path)
    assert [isinstance(row, Row) for row in rows] == [True, False, True]
    assert isinstance(rows[1], BrokenRow)
    assert "name" in rows[1].remedy
    assert [row.values["name"] for row in read(path, encoding="latin-1") if isinstance(row, Row)][1] == "Größe"


def test_wrong_numbers_of_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n1\n2,b\n3,c,d\n", encoding="utf-8")
    assert [isinstance(row, Row) for row in read(path)] == [False, True, False]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_an_overlong_line_is_skipped_in_constant_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    head, good = (b"id,name\n", b"1,ok\n") if name.endswith("csv") else (b"", b'{"id": "1", "name": "ok"}\n')
    with path.open("wb") as file:
        file.write(head + good)
        for _ in range(20):
            file.write(b"x" * LONGEST_LINE_BYTES)
        file.write(b"\n" + good)
    tracemalloc.start()
    rows = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [isinstance(row, Row) for row in rows] == [True, False, True]
    assert isinstance(rows[1], BrokenRow)
    assert rows[1].reason == "line_too_long"
    assert peak < 6 * LONGEST_LINE_BYTES


def test_an_overlong_line_inside_quotes_does_not_swallow_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    long = b"y" * (LONGEST_LINE_BYTES + 10)
    path.write_bytes(b'id,name\n1,"open\n' + long + b'"\n2,"' + long + b'\nclosed"\n3,ok\n')
    rows = read(path)
    assert isinstance(rows[-1], Row)
    assert rows[-1].values == {"id": "3", "name": "ok"}
    assert {row.reason for row in rows if isinstance(row, BrokenRow)} == {"line_too_long"}


def test_a_quote_left_open_costs_one_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    many = "".join(f"{n},{'z' * 200}\n" for n in range(6_000))
    path.write_text(f'id,name\n1,"never closed\n{many}7,last\n', encoding="utf-8")
    rows = read(path)
    assert isinstance(rows[0], BrokenRow)
    assert isinstance(rows[-1], Row)
    assert rows[-1].values["name"] == "last"
