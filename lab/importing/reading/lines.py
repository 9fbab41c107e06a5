"""Lines of a possibly compressed file, in constant memory whatever the file holds."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from lab.importing.problems import FileRefused
from lab.importing.reading.rows import LONGEST_LINE_BYTES

COMPRESSED_ENDINGS = (".gz", ".zst")
_BUFFER_BYTES = 1 << 18
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class LineFile:
    """Reads lines as bytes and counts them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        """Lines read so far."""
        self.overlong: list[tuple[int, str]] = []
        """Lines that were skipped for their length and not yet reported: number and beginning."""
        self._stored = _open_stored(path)
        self._plain = _decompressed(path, self._stored)
        self.total_bytes = path.stat().st_size

    def bytes_read(self) -> int:
        """Return how many stored (compressed) bytes are behind us."""
        return self._stored.tell()

    def lines(self) -> Iterator[bytes]:
        """Yield each line with its line end; an overlong one as a short line that keeps quotes balanced.

        Raises: FileRefused when the file ends in the middle of its compression.
        """
        while True:
            try:
                line = self._plain.readline(LONGEST_LINE_BYTES)
                if not line:
                    return
                self.number += 1
                if self.number == 1:
                    line = self._without_mark(line)
                if len(line) >= LONGEST_LINE_BYTES and not line.endswith(b"\n"):
                    line = self._skip_overlong(line)
            except (EOFError, OSError, zlib.error) as error:
                raise FileRefused(
                    f"{self.path} is damaged behind line {self.number:,} ({error}); what came before is kept. "
                    "Copy or export the file again and repeat the import: nothing is imported twice."
                ) from error
            yield line

    def close(self) -> None:
        """Close the file."""
        self._plain.close()
        self._stored.close()

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith(_UTF16_MARKS):
            raise FileRefused(f"{self.path} is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8) and import that.")
        if b"\x00" in line[:64]:
            raise FileRefused(f"{self.path} is not a text file; its first line holds NUL bytes.")
        return line.removeprefix(b"\xef\xbb\xbf")

    def _skip_overlong(self, line: bytes) -> bytes:
        """Read to the end of the line without holding it. An odd number of quotes is kept odd for the CSV reader."""
        self.overlong.append((self.number, line[:200].decode("utf-8", "replace")))
        quotes = line.count(b'"')
        while chunk := self._plain.readline(LONGEST_LINE_BYTES):
            quotes += chunk.count(b'"')
            if chunk.endswith(b"\n"):
                break
        return b'"\n' if quotes % 2 else b"\n"


def _open_stored(path: Path) -> BinaryIO:
    if path.is_dir():
        raise FileRefused(f"{path} is a folder; name the file in it.")
    try:
        stored = path.open("rb")
    except FileNotFoundError:
        raise FileRefused(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise FileRefused(f"{path} cannot be opened: {error.strerror}.") from error
    if path.stat().st_size == 0:
        stored.close()
        raise FileRefused(f"{path} is empty (0 bytes); was it exported to the end?")
    return stored


def _decompressed(path: Path, stored: BinaryIO) -> BinaryIO:
    if path.suffix == ".gz":
        packed: Any = gzip.GzipFile(fileobj=stored)
    elif path.suffix == ".zst":
        packed = pa.CompressedInputStream(pa.PythonFile(stored, mode="r"), "zstd")
    else:
        return stored
    return cast(BinaryIO, io.BufferedReader(_PieceByPiece(packed), _BUFFER_BYTES))


class _PieceByPiece(io.RawIOBase):
    """Hands on what is decompressed so far: filling a buffer first would lose all of it where a file breaks off."""

    def __init__(self, packed: Any) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        piece = self._packed.read1(len(target))
        target[: len(piece)] = piece
        return len(piece)
