"""What every reader yields, and how far it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

LONGEST_LINE_BYTES = 1 << 20
"""A longer line is refused and skipped without being held: no real row comes near it."""


MEND = "(mend this row, then delete this line)"
"""Column that marks the cells of a broken row in the reject file: they are not imported while it is there."""


@dataclass(frozen=True)
class Row:
    """One record of a file."""

    line: int
    """Line on which it starts, from 1; for Parquet its number, from 1."""
    values: dict[str, Any]
    """By column; nested for JSON."""


@dataclass(frozen=True)
class BrokenRow:
    """A record that could not be read; reading went on behind it."""

    line: int
    reason: str
    remedy: str
    excerpt: str
    """The beginning of the line, for the reject file."""
    values: dict[str, Any] | None = None
    """The cells as far as they are understood, so that the row can be mended in the reject file."""


class Source(Protocol):
    """A file being read."""

    total_bytes: int
    """Size of the file as stored."""

    def rows(self, skip: int = 0) -> Iterator[Row | BrokenRow]:
        """Yield every record behind the first `skip` once, which are passed over cheaply.

        Raises: FileRefused when the file cannot be read on.
        """

    def bytes_read(self) -> int:
        """Return how many of the stored bytes are behind us."""

    def close(self) -> None:
        """Close the file."""
