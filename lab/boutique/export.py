"""Writes what a shop would export: items, their changes, events, campaigns. Equal input gives equal bytes."""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

COMPRESSION = 4
CHUNK_LINES = 5_000


def write_jsonl(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    """One JSON object a line, compressed where the name says so; answers how many."""
    return write_lines(path, (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Lines that are written as they are, in pieces; answers how many."""
    count = 0
    with _opened(path) as file:
        piece: list[str] = []
        for line in lines:
            piece.append(line)
            count += 1
            if len(piece) == CHUNK_LINES:
                file.write("".join(piece).encode())
                piece.clear()
        file.write("".join(piece).encode())
    return count


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        # No name and no time in the header: they would make equal exports differ.
        with gzip.GzipFile(filename="", fileobj=plain, mode="wb", compresslevel=COMPRESSION, mtime=0) as packed:
            yield cast(BinaryIO, packed)
