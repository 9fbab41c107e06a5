"""Keeps what was read on disk until all of a file is known, so that memory stays constant.

Items need it: a variant may stand before its product, a second row with the same id replaces the first. Rows lie
in file order, so that they are written and read in one sweep; only the index of ids, which is small, is not. Events
need only their ids. The file is private to one import and goes with it.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.importing.checkpoint import make_durable
from lab.importing.families import roots_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (
  line INTEGER PRIMARY KEY, item_id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, record TEXT NOT NULL,
  original TEXT NOT NULL, same_count INTEGER NOT NULL DEFAULT 0, replaced_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS variant (
  variant_id TEXT PRIMARY KEY, product_id TEXT NOT NULL, place INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS variant_product ON variant (product_id, place);
CREATE TABLE IF NOT EXISTS named (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nameless (line INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS event (event_key BLOB PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
"""

_PRODUCTS = (
    "FROM item WHERE NOT EXISTS ("
    "  SELECT 1 FROM variant JOIN item product ON product.item_id = variant.product_id"
    "  WHERE variant.variant_id = item.item_id)"
)
_ORPHANS = (
    "WITH RECURSIVE orphan (item_id, product_id) AS ("
    "  SELECT variant_id, product_id FROM variant"
    "  WHERE product_id IN (SELECT item_id FROM named) AND product_id NOT IN (SELECT item_id FROM item)"
    "  UNION SELECT variant_id, orphan.product_id FROM variant JOIN orphan ON variant.product_id = orphan.item_id) "
)
_INSERT = "INSERT OR IGNORE INTO item (item_id, line, digest, record, original) VALUES (?, ?, ?, ?, ?)"
_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
_PLAIN = json.JSONEncoder(ensure_ascii=False, default=str)


@dataclass(frozen=True)
class Spooled:
    """An item as read."""

    item_id: str
    line: int
    """Of the last row that said something new about it."""
    same_count: int
    """Further rows of the file that said the same."""
    replaced_count: int
    """Earlier rows that said something else."""
    record: dict[str, Any]
    row: str | dict[str, Any]
    """The row as it stood in the file, as JSON where it was kept on disk: few are ever asked for."""

    @property
    def original(self) -> dict[str, Any]:
        """The row as it stood in the file, for the reject file."""
        if isinstance(self.row, str):
            row: dict[str, Any] = json.loads(self.row)
            return row
        return self.row


class Spool:
    """A SQLite file that lives as long as its import."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("PRAGMA cache_size=-65536")
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")

    def put_item(self, line: int, record: dict[str, Any], original: dict[str, Any]) -> str:
        """Keep a record. Returns "new", "same" (said before, word for word) or "replaced" (the later row wins)."""
        text = _SORTED.encode(record)
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        item_id = record["item_id"]
        raw = _PLAIN.encode(original)
        values = (item_id, line, digest, text, raw)
        if self._database.execute(_INSERT, values).rowcount == 1:
            return "new"
        found = self._database.execute("SELECT digest FROM item WHERE item_id = ?", (item_id,)).fetchone()
        if found[0] == digest:
            self._database.execute("UPDATE item SET same_count = same_count + 1 WHERE item_id = ?", (item_id,))
            return "same"
        self._database.execute(
            "UPDATE item SET line = ?, digest = ?, record = ?, original = ?, replaced_count = replaced_count + 1 "
            "WHERE item_id = ?",
            (line, digest, text, raw, item_id),
        )
        return "replaced"

    def name_variants(self, product_id: str, variant_ids: Iterable[str]) -> None:
        """Remember which product a variant belongs to; the first product that names it keeps it.

        What names itself as its variant names nothing.
        """
        pairs = [(each, product_id, place) for place, each in enumerate(variant_ids) if each != product_id]
        self._database.executemany(
            "INSERT OR IGNORE INTO variant (variant_id, product_id, place) VALUES (?, ?, ?)", pairs
        )

    def settle_variants(self) -> tuple[int, list[list[str]]]:
        """Give variants of variants to the product above both; return how many there were, and the loops cut."""
        products = (
            "SELECT variant_id, product_id FROM variant WHERE EXISTS (SELECT 1 FROM item WHERE item_id = product_id)"
        )
        chained = self._database.execute(
            f"SELECT * FROM ({products}) WHERE product_id IN (SELECT variant_id FROM ({products})) "
            f"OR variant_id IN (SELECT product_id FROM ({products}))"
        ).fetchall()
        root_of, loops = roots_of(dict(chained))
        moved = [(root, each) for each, root in root_of.items() if root != each]
        self._database.executemany("UPDATE variant SET product_id = ? WHERE variant_id = ?", moved)
        self._database.executemany("DELETE FROM variant WHERE variant_id = ?", [(loop[0],) for loop in loops])
        parent_of = dict(chained)
        return sum(parent_of[each] != root for root, each in moved), loops

    def settle_families(self) -> list[list[str]]:
        """Put items that name each other as their family in a ring into one family; return the rings."""
        family = "json_extract({0}.record, '$.family_id')"
        pairs = self._database.execute(
            f"SELECT a.item_id, b.item_id FROM item a JOIN item b ON b.item_id = {family.format('a')} "
            f"WHERE a.item_id != b.item_id AND {family.format('b')} NOT IN ('', b.item_id)"
        )
        _, loops = roots_of(dict(pairs))
        self._database.executemany(
            "UPDATE item SET record = json_set(record, '$.family_id', ?) WHERE item_id = ?",
            [(loop[0], item_id) for loop in loops for item_id in loop],
        )
        return loops

    def variant_ids_of(self, product_id: str) -> list[str]:
        """Return the ids of a product's variants, in this file or not, in the product's order."""
        found = self._database.execute(
            "SELECT variant_id FROM variant WHERE product_id = ? ORDER BY place, variant_id", (product_id,)
        )
        return [variant_id for (variant_id,) in found]

    def name(self, item_id: str) -> None:
        """Remember an item that the file names in a row which is rejected."""
        self._database.execute("INSERT OR IGNORE INTO named VALUES (?)", (item_id,))

    def orphans(self) -> Iterator[tuple[str, Spooled]]:
        """Yield every variant whose product the file names in rejected rows only, with that product's id."""
        statement = (
            f"{_ORPHANS} SELECT orphan.product_id, item.item_id, line, same_count, replaced_count, record, original "
            "FROM orphan JOIN item ON item.item_id = orphan.item_id ORDER BY line"
        )
        for product_id, item_id, line, same, replaced, record, original in self._database.execute(statement):
            yield product_id, Spooled(item_id, line, same, replaced, json.loads(record), json.loads(original))

    def drop_orphans(self) -> None:
        """Forget what `orphans` yields; the file has named it."""
        database = self._database
        pairs = database.execute(f"{_ORPHANS} SELECT item_id FROM orphan").fetchall()
        database.executemany("INSERT OR IGNORE INTO named SELECT item_id FROM item WHERE item_id = ?", pairs)
        database.executemany("DELETE FROM item WHERE item_id = ?", pairs)
        database.executemany("DELETE FROM variant WHERE variant_id = ?", pairs)

    def nameless(self, line: int) -> None:
        """Remember a row of which not even the item can be told."""
        self._database.execute("INSERT OR IGNORE INTO nameless VALUES (?)", (line,))

    def nameless_count(self) -> int:
        """Return of how many rows not even the item can be told."""
        return int(self._database.execute("SELECT count(*) FROM nameless").fetchone()[0])

    def named_ids(self) -> Iterator[str]:
        """Yield the id of every item that the file names: what is sent, and what is rejected."""
        for (item_id,) in self._database.execute(f"SELECT item_id {_PRODUCTS} UNION SELECT item_id FROM named"):
            yield item_id

    def products(self, skip: int = 0) -> Iterator[Spooled]:
        """Yield every item behind the first `skip` that is not a variant of a product in this file, in file order."""
        yield from self._select(
            f"SELECT item.item_id, line, same_count, replaced_count, record, original {_PRODUCTS} ORDER BY line "
            "LIMIT -1 OFFSET ?",
            (skip,),
        )

    def variants_of(self, product_id: str) -> list[Spooled]:
        """Return the variants of a product that this file holds, in the product's order."""
        return list(
            self._select(
                "SELECT item.item_id, line, same_count, replaced_count, record, original FROM variant "
                "JOIN item ON item.item_id = variant.variant_id "
                "WHERE variant.product_id = ? ORDER BY place, line",
                (product_id,),
            )
        )

    def missing_variant_count(self) -> int:
        """Return how many variants are named by a product and are not in the file."""
        found = self._database.execute(
            "SELECT count(*) FROM variant WHERE NOT EXISTS (SELECT 1 FROM item WHERE item.item_id = variant_id)"
        ).fetchone()
        return int(found[0])

    def event_is(self, key: bytes, digest: bytes) -> str:
        """Remember an event's id. Returns "new", "same" or "conflict" (the id came before with other content)."""
        cursor = self._database.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", (key, digest))
        if cursor.rowcount == 1:
            return "new"
        known = self._database.execute("SELECT digest FROM event WHERE event_key = ?", (key,)).fetchone()
        return "same" if known[0] == digest else "conflict"

    def seal(self) -> None:
        """Make everything so far survive a kill or a power cut. Before that, a killed import reads its file again."""
        self._database.execute("COMMIT")
        make_durable(self._path)
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Close the file; it is removed with its import's folder."""
        self._database.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _select(self, statement: str, parameters: tuple[Any, ...]) -> Iterator[Spooled]:
        for item_id, line, same, replaced, record, original in self._database.execute(statement, parameters):
            yield Spooled(item_id, line, same, replaced, json.loads(record), original)
