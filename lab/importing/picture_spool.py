"""Keeps the rows of a picture file on disk, by item, until the file is read: an item's pictures are sent together."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.importing.checkpoint import make_durable
from lab.importing.reading.rows import Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (place INTEGER PRIMARY KEY, item_id TEXT NOT NULL UNIQUE, facts BLOB);
CREATE TABLE IF NOT EXISTS picture (
  place INTEGER NOT NULL, reference TEXT NOT NULL, line INTEGER NOT NULL, row TEXT NOT NULL,
  PRIMARY KEY (place, reference)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class PictureRow:
    """A picture of an item."""

    line: int
    reference: str
    values: dict[str, Any]
    """The row as it stood in the file."""


@dataclass(frozen=True)
class PicturedItem:
    """An item that the file names."""

    place: int
    """From 1, in the order in which the file names items first."""
    item_id: str
    facts: bytes | None
    """Its ItemFacts, None when the catalogue has no such item."""
    rows: Sequence[PictureRow]


class PictureSpool:
    """A SQLite file that lives as long as its import."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")

    def put(self, item_id: str, reference: str, row: Row, most: int) -> str:
        """Keep a row. Returns "new", "same" (the item has this picture) or "full" (it has `most`)."""
        database = self._database
        database.execute("INSERT OR IGNORE INTO item (item_id) VALUES (?)", (item_id,))
        (place,) = database.execute("SELECT place FROM item WHERE item_id = ?", (item_id,)).fetchone()
        known = [each for (each,) in database.execute("SELECT reference FROM picture WHERE place = ?", (place,))]
        if reference in known:
            return "same"
        if len(known) >= most:
            return "full"
        text = json.dumps(row.values, ensure_ascii=False, default=str)
        database.execute("INSERT INTO picture VALUES (?, ?, ?, ?)", (place, reference, row.line, text))
        return "new"

    def put_facts(self, page: Sequence[Any]) -> None:
        """Keep the ItemFacts of items that the file names; of others nothing is kept."""
        self._database.executemany(
            "UPDATE item SET facts = ? WHERE item_id = ?", [(each.SerializeToString(), each.item_id) for each in page]
        )

    def items_behind(self, place: int, count: int) -> list[PicturedItem]:
        """Return the next items behind a place, with their pictures in file order."""
        items = self._database.execute(
            "SELECT place, item_id, facts FROM item WHERE place > ? ORDER BY place LIMIT ?", (place, count)
        ).fetchall()
        return [PicturedItem(found, item_id, facts, self._rows(found)) for found, item_id, facts in items]

    def seal(self) -> None:
        """Make everything so far survive a kill or a power cut. Before that, a killed import reads its file again."""
        self._database.execute("COMMIT")
        make_durable(self._path)
        self._database.execute("BEGIN")

    def __enter__(self) -> "PictureSpool":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _rows(self, place: int) -> list[PictureRow]:
        found = self._database.execute(
            "SELECT line, reference, row FROM picture WHERE place = ? ORDER BY line", (place,)
        )
        return [PictureRow(line, reference, json.loads(row)) for line, reference, row in found]
