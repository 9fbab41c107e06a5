"""Histories in files: `user_id,position,item_id` and `item_id,attribute_ids` in, `user_id,rank,item_id,score` out.

CSV with a header; compressed by gzip when the name ends in `.gz`.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import TextIO

import numpy as np
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories

SEQUENCE_COLUMNS = ("user_id", "position", "item_id")
ATTRIBUTE_COLUMNS = ("item_id", "attribute_ids")
RANKING_COLUMNS = ("user_id", "rank", "item_id", "score")
ATTRIBUTE_SEPARATOR = "|"


class SequenceFileRefused(ValueError):  # noqa: N818  named like the refusals of imports
    """A file that cannot be read or written; the message names file, line, field and remedy."""


@dataclass(frozen=True)
class Sequences:
    """A file of histories."""

    user_ids: list[str]
    """`[users]` in ascending order."""
    item_ids: list[str]
    """`[items]` in ascending order: the vocabulary."""
    histories: Histories
    """Each user's rows of the vocabulary."""

    def over(self, item_ids: list[str]) -> Histories:
        """The histories in rows of another vocabulary, without the entries that it lacks."""
        row_of = {item_id: row for row, item_id in enumerate(item_ids)}
        renamed = np.array([row_of.get(item_id, -1) for item_id in self.item_ids], np.int32)
        rows = renamed[self.histories.rows]
        return Histories(self.histories.starts, rows, len(item_ids)).masked(rows >= 0)


def read_sequences(path: Path, ordered: bool = True) -> Sequences:
    """Read a file of histories; the order of its lines does not matter, that of a user's positions does.

    Args:
        path: the file.
        ordered: whether positions say an order; a user's positions may then not repeat.

    Raises: SequenceFileRefused.

    """
    events = [
        (user_id, _position(path, line, position), item_id, line)
        for line, (user_id, position, item_id) in _records(path, SEQUENCE_COLUMNS, filled=("user_id", "item_id"))
    ]
    if not events:
        raise SequenceFileRefused(f"{path} holds no events below its header; one line an event is expected.")
    events.sort(key=itemgetter(0, 1, 2))
    if ordered:
        _refuse_repeated(path, events)
    item_ids = sorted({event[2] for event in events})
    row_of = {item_id: row for row, item_id in enumerate(item_ids)}
    rows = np.array([row_of[event[2]] for event in events], np.int32)
    sizes: dict[str, int] = {}
    for event in events:
        sizes[event[0]] = sizes.get(event[0], 0) + 1
    starts = np.cumsum([0, *sizes.values()], dtype=np.int64)
    return Sequences(list(sizes), item_ids, Histories(starts, rows, len(item_ids)))


def read_attributes(path: Path) -> dict[str, frozenset[str]]:
    """Read the attributes of each item; an item on several lines has those of all. Raises: SequenceFileRefused."""
    found: dict[str, frozenset[str]] = {}
    for _, (item_id, joined) in _records(path, ATTRIBUTE_COLUMNS, filled=("item_id",)):
        named = frozenset(name for name in joined.split(ATTRIBUTE_SEPARATOR) if name)
        found[item_id] = found.get(item_id, frozenset()) | named
    if not found:
        raise SequenceFileRefused(f"{path} holds no items below its header; leave --attributes out or fill the file.")
    return found


def attribute_matrix(attributes: Mapping[str, frozenset[str]], item_ids: list[str]) -> csr_matrix:
    """`[items, attributes]` float32, 1 where an item has an attribute; attributes in ascending order of their ids."""
    sets = [attributes.get(item_id, frozenset()) for item_id in item_ids]
    column_of = {name: column for column, name in enumerate(sorted(frozenset().union(*sets)))}
    rows = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
    columns = np.array([column_of[name] for each in sets for name in sorted(each)], np.int64)
    ones = np.ones(len(rows), np.float32)
    return csr_matrix((ones, (rows, columns)), shape=(len(sets), max(len(column_of), 1)))


def refuse_output(path: Path) -> None:
    """Say before long work that its result could not be written. Raises: SequenceFileRefused."""
    if path.is_dir():
        raise SequenceFileRefused(f"{path} is a folder; --output names a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SequenceFileRefused(f"{path.parent} cannot be made: {error.strerror}; choose another --output.") from None


def write_rankings(path: Path, rankings: Iterable[tuple[str, int, str, float]]) -> int:
    """Write user, rank, item and score, and return the number of lines; the file is there when it is whole.

    The same rankings give the same bytes. Raises: SequenceFileRefused.
    """
    refuse_output(path)
    count = 0
    partial = path.with_name(f".{path.name}.partial")
    try:
        with _written(partial, compressed=path.name.endswith(".gz")) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(RANKING_COLUMNS)
            for user_id, rank, item_id, score in rankings:
                writer.writerow((user_id, rank, item_id, f"{score:.7g}"))
                count += 1
        partial.replace(path)
    except OSError as error:
        raise SequenceFileRefused(f"{path} cannot be written: {error.strerror}; choose another --output.") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


@contextmanager
def _written(path: Path, compressed: bool) -> Iterator[TextIO]:
    with path.open("wb") as raw:
        if not compressed:
            with io.TextIOWrapper(raw, "utf-8", newline="") as file:
                yield file
            return
        # Neither name nor time in the header: the same rows are the same bytes.
        with (
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            io.TextIOWrapper(packed, "utf-8", newline="") as file,
        ):
            yield file


def _records(path: Path, columns: tuple[str, ...], filled: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """The line number and the columns' values of each record; those in `filled` may not be empty."""
    try:
        with _opened(path) as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            places = _places(path, header, columns)
            needed = [(place, name) for place, name in zip(places, columns, strict=True) if name in filled]
            for record in reader:
                if record:
                    _refuse_broken(path, reader.line_num, record, header, needed)
                    yield reader.line_num, [record[place] for place in places]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SequenceFileRefused(f"{path} is not whole gzip, though its name ends in .gz: {error}.") from error
    except UnicodeDecodeError as error:
        remedy = "save it as UTF-8, or, if it is compressed by gzip, let its name end in .gz"
        raise SequenceFileRefused(f"{path} is not UTF-8 text: {remedy}.") from error
    except csv.Error as error:
        raise SequenceFileRefused(f"{path} is not CSV near line {reader.line_num}: {error}.") from error
    except OSError as error:
        raise SequenceFileRefused(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.is_dir():
        raise SequenceFileRefused(f"{path} is a folder; name the file in it.")
    if path.name.endswith(".gz"):
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file


def _places(path: Path, header: list[str], columns: tuple[str, ...]) -> list[int]:
    wanted = ",".join(columns)
    if not any(header):
        raise SequenceFileRefused(f"{path} is empty; its first line must be the header {wanted}.")
    for name in columns:
        if header.count(name) != 1:
            problem = "no column" if name not in header else "more than one column"
            raise SequenceFileRefused(f"{path}, line 1: {problem} {name}; the header must name {wanted}.")
    return [header.index(name) for name in columns]


def _refuse_broken(path: Path, line: int, record: list[str], header: list[str], needed: list[tuple[int, str]]) -> None:
    if len(record) != len(header):
        raise SequenceFileRefused(f"{path}, line {line}: {len(record)} values where the header has {len(header)}.")
    for place, name in needed:
        if not record[place]:
            raise SequenceFileRefused(f"{path}, line {line}: {name} is empty; every line needs one.")


def _position(path: Path, line: int, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SequenceFileRefused(f"{path}, line {line}: position {text[:40]!r} is not a whole number.") from None


def _refuse_repeated(path: Path, events: list[tuple[str, int, str, int]]) -> None:
    for before, event in pairwise(events):
        if before[:2] == event[:2]:
            first, second = sorted((before[3], event[3]))
            raise SequenceFileRefused(
                f"{path}, line {second}: user {event[0]} has position {event[1]} already in line {first}; "
                "number each user's items 0, 1, 2, … from the oldest."
            )
