"""The shop's departments, as its navigation names them: read off the catalogue's facts and kept for a while."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import grpc

from storefront.upstreams import Upstreams
from vitrine.item_vision.v1 import item_vision_pb2

logger = logging.getLogger(__name__)

READ_ITEMS = 10_000
"""Facts read to find departments; a larger catalogue is known by its first so many items."""
PAGE_SIZE = 2_000
FRESH_SECONDS = 600.0
RETRY_SECONDS = 5.0
PATIENCE_SECONDS = 0.5
"""A page waits so long for departments, then shows none."""


@dataclass(frozen=True)
class Department:
    """One category path with what is below it."""

    path: str
    item_count: int
    children: tuple["Department", ...] = ()

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]


def tree_of(paths: Iterable[str]) -> tuple[Department, ...]:
    """Departments of the items' category paths, each level by item count, largest first, then by name."""
    counts: Counter[str] = Counter()
    for path in paths:
        parts = [part for part in path.split("/") if part]
        counts.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    below: dict[str, list[str]] = {}
    for path in counts:
        below.setdefault(path.rpartition("/")[0], []).append(path)

    def level(parent: str) -> tuple[Department, ...]:
        ordered = sorted(below.get(parent, ()), key=lambda path: (-counts[path], path))
        return tuple(Department(path, counts[path], level(path)) for path in ordered)

    return level("")


def levels(path: str) -> list[tuple[str, str]]:
    """Name and path of each level of a category path, from the top."""
    parts = [part for part in path.split("/") if part]
    return [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]


def find(departments: Iterable[Department], path: str) -> Department | None:
    """The department of a path, at any depth."""
    for department in departments:
        if department.path == path:
            return department
        if path.startswith(department.path + "/"):
            return find(department.children, path)
    return None


@dataclass
class _Known:
    departments: tuple[Department, ...] = ()
    due_at: float = 0.0
    reading: "asyncio.Task[None] | None" = field(default=None)


class Departments:
    """Departments of each shop; what is known is answered at once and read anew in the background."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._shops: dict[str, _Known] = {}

    async def of(self, shop_id: str) -> tuple[Department, ...]:
        """The shop's departments; empty while they cannot be read."""
        known = self.begin(shop_id)
        if not known.departments and known.reading is not None:
            await asyncio.wait({known.reading}, timeout=PATIENCE_SECONDS)
        return known.departments

    def begin(self, shop_id: str) -> _Known:
        """Read them in the background when it is time to."""
        known = self._shops.setdefault(shop_id, _Known())
        if known.due_at <= time.monotonic() and (known.reading is None or known.reading.done()):
            known.reading = asyncio.create_task(self._read(shop_id, known))
        return known

    async def close(self) -> None:
        """Stop reading."""
        readings = [known.reading for known in self._shops.values() if known.reading is not None]
        for reading in readings:
            reading.cancel()
        await asyncio.gather(*readings, return_exceptions=True)

    async def _read(self, shop_id: str, known: _Known) -> None:
        paths: list[str] = []
        token = ""
        try:
            while len(paths) < READ_ITEMS:
                answer = await self._upstreams.catalogue.ListItems(
                    item_vision_pb2.ListItemsRequest(shop_id=shop_id, page_size=PAGE_SIZE, page_token=token)
                )
                paths += [facts.category for facts in answer.items]
                token = answer.next_page_token
                if not token:
                    break
        except grpc.aio.AioRpcError as error:
            logger.warning("departments of %s cannot be read: %s", shop_id, error.details())
            known.due_at = time.monotonic() + RETRY_SECONDS
            return
        known.departments = tree_of(paths)
        known.due_at = time.monotonic() + FRESH_SECONDS
