"""Which reader a file needs."""

from pathlib import Path

from lab.importing.mapping import FileOptions
from lab.importing.problems import FileRefused
from lab.importing.reading.delimited import DelimitedSource
from lab.importing.reading.jsonl import JsonLinesSource
from lab.importing.reading.lines import COMPRESSED_ENDINGS
from lab.importing.reading.parquet import ParquetSource
from lab.importing.reading.rejects import RejectSource, is_reject_file
from lab.importing.reading.rows import Source

_BY_ENDING = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def open_source(path: Path, options: FileOptions) -> Source:
    """Open a file by its ending, or by what the mapping says. Raises: FileRefused."""
    name = path.name
    for ending in COMPRESSED_ENDINGS:
        name = name.removesuffix(ending)
    kind = options.format or _BY_ENDING.get(Path(name).suffix.lower(), "")
    if path.is_dir():
        raise FileRefused(f"{path} is a folder; name the file in it.")
    if name.endswith(".jsonl") and is_reject_file(path):
        return RejectSource(path)
    if kind == "csv":
        return DelimitedSource(path, options.delimiter, options.encoding)
    if kind == "jsonl":
        return JsonLinesSource(path)
    if kind == "parquet":
        return ParquetSource(path)
    raise FileRefused(
        f"{path}: the ending does not tell the format; use .csv, .jsonl or .parquet (also with .gz or .zst), "
        "or set file.format in the mapping."
    )
