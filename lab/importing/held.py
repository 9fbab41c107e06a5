"""The holding store: rows that name items which are not there yet, kept until they are.

One SQLite file a shop, beside its imports. A row is kept once, however often its file is imported.
"""

import hashlib
import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.importing.mapping import KindMapping
from lab.importing.reading.rows import Row
from lab.importing.tally import HeldRow

_SCHEMA = """
CREATE TABLE IF NOT EXISTS origin (
  origin_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, file TEXT NOT NULL, mapping TEXT NOT NULL, pictures TEXT NOT NULL,
  UNIQUE (kind, file, mapping, pictures)
);
CREATE TABLE IF NOT EXISTS held (
  held_id INTEGER PRIMARY KEY, origin_id INTEGER NOT NULL, line INTEGER NOT NULL, row TEXT NOT NULL,
  digest BLOB NOT NULL, refused TEXT NOT NULL DEFAULT '', UNIQUE (origin_id, digest)
);
CREATE TABLE IF NOT EXISTS waiting (
  item_id TEXT NOT NULL, held_id INTEGER NOT NULL, PRIMARY KEY (item_id, held_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_order ON held (origin_id, line, held_id);
CREATE INDEX IF NOT EXISTS waiting_row ON waiting (held_id);
"""
_OF_KIND = "origin_id IN (SELECT origin_id FROM origin WHERE kind = ?)"
_REPLACED = {
    "pictures": f"SELECT held_id FROM waiting JOIN held USING (held_id) WHERE {_OF_KIND} AND item_id = ?",
    "campaigns": f"SELECT held_id FROM held WHERE {_OF_KIND} AND CAST(json_extract(row, '$.campaign_id') AS TEXT) = ?",
}
"""What a newer row of a kind makes obsolete: pictures of the item, the campaign of that id."""
_READY = "refused = '' AND NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.held_id = held.held_id)"


@dataclass(frozen=True)
class Origin:
    """Where held rows came from: what is needed to import them later."""

    kind: str
    file: str
    mapping: KindMapping
    pictures: str
    """The folder where relative picture paths begin."""


@dataclass(frozen=True)
class Waiting:
    """A line of `vitrine held`: what waits for what."""

    kind: str
    file: str
    item_id: str
    """Empty for rows whose items came and that were refused then."""
    row_count: int
    first_line: int
    refused: str


class HeldStore:
    """The held rows of one shop. The file is made with the first row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: sqlite3.Connection | None = None
        self._read: dict[int, array[int]] = {}

    def hold(self, origin: Origin, rows: Sequence[HeldRow]) -> None:
        """Keep rows, durably. A row that is held already goes on waiting, for the items named now."""
        database = self._database()
        with database:
            origin_id = self._origin_id(origin)
            for line, row, item_ids in rows:
                text = json.dumps(row, ensure_ascii=False, default=str)
                key = (origin_id, _digest(line, text))
                database.execute(
                    "INSERT OR IGNORE INTO held (origin_id, digest, line, row) VALUES (?, ?, ?, ?)", (*key, line, text)
                )
                database.execute("UPDATE held SET refused = '' WHERE origin_id = ? AND digest = ?", key)
                found = database.execute("SELECT held_id FROM held WHERE origin_id = ? AND digest = ?", key).fetchone()
                pairs = [(item_id, found[0]) for item_id in item_ids]
                database.executemany("INSERT OR IGNORE INTO waiting VALUES (?, ?)", pairs)

    def supersede(self, kind: str, keys: Iterable[str]) -> None:
        """Forget rows that newer ones replace, so that they are not joined over them.

        `keys` are ids: of items whose pictures came again, or of campaigns. Rows of other kinds replace nothing.
        """
        if kind not in _REPLACED or not self.path.exists():
            return
        with self._database() as database:
            for key in keys:
                replaced = database.execute(_REPLACED[kind], (kind, key)).fetchall()
                database.executemany("DELETE FROM held WHERE held_id = ?", replaced)
                database.executemany("DELETE FROM waiting WHERE held_id = ?", replaced)

    def awaited(self) -> Iterator[list[str]]:
        """Yield the ids of the items that rows wait for, a thousand at a time."""
        last = ""
        while self.path.exists():
            found = self._database().execute(
                "SELECT DISTINCT item_id FROM waiting WHERE item_id > ? ORDER BY item_id LIMIT 1000", (last,)
            )
            ids = [item_id for (item_id,) in found]
            if not ids:
                return
            yield ids
            last = ids[-1]

    def arrived(self, item_ids: Sequence[str]) -> None:
        """Say that items are there: what waits for nothing else is ready."""
        with self._database() as database:
            database.executemany("DELETE FROM waiting WHERE item_id = ?", [(item_id,) for item_id in item_ids])

    def retry_refused(self) -> None:
        """Make rows ready again that were refused when their items came."""
        if self.path.exists():
            with self._database() as database:
                database.execute("UPDATE held SET refused = ''")

    def ready(self) -> list[tuple[int, Origin]]:
        """Return the origins that have rows which are ready."""
        if not self.path.exists():
            return []
        statement = f"SELECT * FROM origin WHERE origin_id IN (SELECT origin_id FROM held WHERE {_READY})"
        return [
            (origin_id, Origin(kind, file, KindMapping.model_validate_json(mapping), pictures))
            for origin_id, kind, file, mapping, pictures in self._database().execute(statement)
        ]

    def rows(self, origin_id: int) -> Iterator[Row]:
        """Yield the ready rows of an origin, in file order."""
        statement = (
            f"SELECT line, held_id, row FROM held WHERE origin_id = ? AND (line, held_id) > (?, ?) AND {_READY} "
            "ORDER BY line, held_id LIMIT 1000"
        )
        last = (-1, 0)
        read = self._read[origin_id] = array("q")
        # Page by page: rows may be held again while these are being imported.
        while found := self._database().execute(statement, (origin_id, *last)).fetchall():
            for line, held_id, row in found:
                last = (line, held_id)
                read.append(held_id)
                yield Row(line, json.loads(row))

    def settle(self, origin_id: int, refused: Sequence[tuple[int, Any, str]]) -> None:
        """Forget the rows of an origin that `rows` yielded; those refused (line, row, why) stay with the reason.

        Rows that another process made ready in the meantime stay, and so do those that wait again.
        """
        with self._database() as database:
            for line, row, why in refused:
                digest = _digest(line, json.dumps(row, ensure_ascii=False, default=str))
                database.execute(
                    "UPDATE held SET refused = ? WHERE origin_id = ? AND digest = ?", (why, origin_id, digest)
                )
            read = ((held_id,) for held_id in self._read.pop(origin_id, ()))
            database.executemany(f"DELETE FROM held WHERE held_id = ? AND {_READY}", read)

    def summary(self) -> list[Waiting]:
        """Return what waits for what, the most rows first."""
        if not self.path.exists():
            return []
        statement = (
            "SELECT kind, file, coalesce(item_id, ''), count(*) AS rows, min(line), refused FROM held "
            "JOIN origin USING (origin_id) LEFT JOIN waiting USING (held_id) "
            "GROUP BY kind, file, item_id, refused ORDER BY rows DESC, kind, item_id"
        )
        return [Waiting(*found) for found in self._database().execute(statement)]

    def drop(self, kind: str = "") -> int:
        """Forget held rows, of one kind or all, and return how many."""
        if not self.path.exists():
            return 0
        with self._database() as database:
            of_kind = "origin_id IN (SELECT origin_id FROM origin WHERE ? IN ('', kind))"
            count = database.execute(f"DELETE FROM held WHERE {of_kind}", (kind,)).rowcount
            database.execute("DELETE FROM waiting WHERE held_id NOT IN (SELECT held_id FROM held)")
        return int(count)

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._opened = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._opened.executescript(_SCHEMA)
        return self._opened

    def _origin_id(self, origin: Origin) -> int:
        values = (origin.kind, origin.file, origin.mapping.model_dump_json(by_alias=True), origin.pictures)
        database = self._database()
        database.execute("INSERT OR IGNORE INTO origin (kind, file, mapping, pictures) VALUES (?, ?, ?, ?)", values)
        found = database.execute(
            "SELECT origin_id FROM origin WHERE kind = ? AND file = ? AND mapping = ? AND pictures = ?", values
        ).fetchone()
        return int(found[0])


def _digest(line: int, row: str) -> bytes:
    return hashlib.blake2b(f"{line} {row}".encode(), digest_size=16).digest()
