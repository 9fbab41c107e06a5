"""How far an import is, kept beside it, so that a repeated command goes on where a killed one stood.

An import has a folder of its own, `<work>/imports/<shop>/<kind>-<key>/`; the key is made of the file's identity and
the mapping. It holds the checkpoint, the reject file so far, and the spool of what has to be known as a whole.
"""

import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lab.importing.problems import FileRefused

FORMAT = 1
_END_BYTES = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """Everything up to here is acknowledged by the services and accounted for in the report."""

    report: dict[str, Any]
    """ImportReport.state(); its `read` is the number of rows behind us."""
    reject_bytes: int
    """Length of the reject file."""
    sent: int | None = None
    """Of a spooled import whose file is read to its end: how many products, or items, are sent; None while it reads."""


def file_identity(path: Path) -> str:
    """Return what tells this file from a later export of the same name: size, time of change, both ends' content."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        status = path.stat()
        with path.open("rb") as file:
            digest.update(file.read(_END_BYTES))
            file.seek(max(status.st_size - _END_BYTES, 0))
            digest.update(file.read(_END_BYTES))
    except OSError:
        return ""  # opening it says what is wrong
    return f"{status.st_size}-{status.st_mtime_ns}-{digest.hexdigest()}"


def make_durable(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk and survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ImportFolder:
    """The folder of one import; at most one process is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def entered(self) -> bool:
        """Say whether the folder is this process's now."""
        return self._lock is not None

    @property
    def spool(self) -> Path:
        """Where a spooled import keeps what it read."""
        return self.path / "spool.sqlite3"

    @property
    def rejects(self) -> Path:
        """The reject file while the import is under way."""
        return self.path / "rejects.jsonl"

    def enter(self, *, restart: bool) -> Checkpoint | None:
        """Lock the folder and return where an earlier run stands; None to start at the beginning.

        Raises: FileRefused when another process imports the same file.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise FileRefused("another process imports this very file into this shop; wait for it to end.") from error
        self._lock = lock
        found = None if restart else self._load()
        if found is None:
            for leftover in self.path.iterdir():
                if leftover.name != "lock":
                    leftover.unlink()
        return found

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint; a kill or a power cut leaves either the old one or the new one."""
        state = {"format": FORMAT, **vars(checkpoint)}
        fresh = self.path / "checkpoint.json.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path / "checkpoint.json")
        make_durable(self.path)

    def leave(self, *, finished: bool) -> None:
        """Unlock the folder; an import that is finished, or has nothing to go on with, leaves nothing behind."""
        if self._lock is None:
            return
        checkpoint = self.path / "checkpoint.json"
        if finished or not checkpoint.exists():
            checkpoint.unlink(missing_ok=True)  # first: what is left then cannot be taken for a start
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        self._lock = None

    def _load(self) -> Checkpoint | None:
        try:
            state = json.loads((self.path / "checkpoint.json").read_text(encoding="utf-8"))
            if state.pop("format") == FORMAT:
                return Checkpoint(**state)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none, or one of another version: the services recognise what is there already
        return None
