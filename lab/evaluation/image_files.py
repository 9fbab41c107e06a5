"""What becomes of pictures without a label, as files: the same answers give the same bytes."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.picture_folders import RefusedPicture

HEADER = ("path", "label", "confidence")
DECIMALS = 6


class NamedPictures:
    """Writes `path,label,confidence` row by row."""

    def __init__(self, file: IO[str]) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(HEADER)

    def write(self, path: str, label: str, confidence: float) -> None:
        """A picture's most probable class and its probability."""
        self._rows.writerow((path, label, f"{confidence:.{DECIMALS}f}"))

    def write_refused(self, path: str) -> None:
        """A file that is no usable picture: no label, confidence 0."""
        self.write(path, "", 0.0)


@contextmanager
def named_pictures(path: Path) -> Iterator[NamedPictures]:
    """A new CSV file, gzipped when the name ends in `.gz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # Without name and time of day the same rows give the same bytes.
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, _text(packed) as text:
                yield NamedPictures(text)
        else:
            with _text(raw) as text:
                yield NamedPictures(text)


def write_embeddings(path: Path, paths: Sequence[str], embeddings: NDArray[np.float32]) -> None:
    """An NPZ file with `paths [n]` and `embeddings [n, width] float32`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, paths=np.asarray(paths, np.str_), embeddings=embeddings)


def rejects_path(output: Path) -> Path:
    """Where the reasons of refused pictures lie: beside the output."""
    return output.with_name(f"{output.name}.rejects.jsonl")


def write_rejects(path: Path, refused: dict[str, Sequence[RefusedPicture]]) -> int:
    """One JSON object a refused file, by the folder it lies in; without any, no file. Answers how many."""
    lines = [
        json.dumps({"folder": folder, "path": each.path, "reason": each.reason, "message": each.message})
        for folder, pictures in refused.items()
        for each in pictures
    ]
    path.unlink(missing_ok=True)
    if lines:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _text(file: IO[bytes] | gzip.GzipFile) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8", newline="")  # type: ignore[arg-type]
