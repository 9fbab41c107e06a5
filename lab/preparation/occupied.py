"""One preparation of a shop at a time: two would write and remove each other's files."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ShopOccupied(Exception):  # noqa: N818  named like the errors of kit
    """Another process exports or prepares the same shop."""


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Have a shop's folder of prepared tables to oneself; a process that dies lets go.

    Raises: ShopOccupied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ShopOccupied(
                f"another process prepares or trains this shop in {folder}; wait for it to end, or use another --work"
            ) from error
        yield
