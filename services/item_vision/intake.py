"""Bringing items in: each is checked, its pictures read, and what cannot be kept is said, item by item."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.item_vision.fetch import PictureFetcher
from services.item_vision.item import CatalogueItem, NewLinks
from services.item_vision.model.pictures import PictureError, decode_picture
from services.item_vision.requests import catalogue_item, item_violations, link_violations
from services.item_vision.sql.catalogue import StoredPicture
from services.kit.executor import BoundedExecutor
from vitrine.item_vision.v1 import item_vision_pb2

PICTURES_AT_ONCE: Final = 16
ITEMS_BETWEEN_PAUSES: Final = 50


@dataclass
class Intake:
    """What became of a batch before it is stored."""

    items: dict[str, CatalogueItem] = field(default_factory=dict)
    """By id; of two items with one id the later stands."""
    pictures: dict[str, StoredPicture] = field(default_factory=dict)
    errors: list[item_vision_pb2.ItemError] = field(default_factory=list)
    rejected: int = 0
    repeated: int = 0
    """Items of the batch that a later one with the same id replaced."""


async def give_way(count: int) -> None:
    """Let pages be answered between the items of a large batch: a hundred of them take ten milliseconds."""
    if count % ITEMS_BETWEEN_PAUSES == 0:
        await asyncio.sleep(0)


async def take_in(
    shop_id: str,
    batch: Sequence[item_vision_pb2.ItemInput],
    first_index: int,
    now: datetime,
    reader: "PictureReader",
) -> Intake:
    """Check the items of a batch and read their pictures; `first_index` is the first one's place in the stream."""
    intake = Intake()
    accepted: list[tuple[int, item_vision_pb2.ItemInput]] = []
    for index, item in enumerate(batch, start=first_index):
        await give_way(index)
        violations = item_violations(item)
        intake.errors += [
            _error(index, item.item_id, each.field, "INVALID_REQUEST", each.description) for each in violations
        ]
        if violations:
            intake.rejected += 1
        else:
            accepted.append((index, item))
    pictured = [index for index, item in accepted if item.images]
    read = await asyncio.gather(*(reader.read_all(shop_id, item) for _, item in accepted if item.images))
    pictures_of = dict(zip(pictured, read, strict=True))
    for index, item in accepted:
        await give_way(index)
        images: list[str] = []
        for place, picture in enumerate(pictures_of.get(index, ())):
            if isinstance(picture, PictureError):
                error = _error(index, item.item_id, f"images[{place}]", picture.reason, str(picture))
                error.kept_item = True
                intake.errors.append(error)
            elif picture.sha256 not in images:
                images.append(picture.sha256)
                intake.pictures[picture.sha256] = picture
        intake.repeated += item.item_id in intake.items
        intake.items[item.item_id] = catalogue_item(item, images, now)
    return intake


def take_links(
    batch: Sequence[item_vision_pb2.ItemLinks], first_index: int
) -> tuple[dict[str, NewLinks], list[item_vision_pb2.ItemError]]:
    """The links of a batch by item, and what is wrong with the entries that are refused."""
    accepted: dict[str, NewLinks] = {}
    errors: list[item_vision_pb2.ItemError] = []
    for index, entry in enumerate(batch, start=first_index):
        violations = link_violations(entry)
        errors += [_error(index, entry.item_id, each.field, "INVALID_REQUEST", each.description) for each in violations]
        if not violations:
            links = [(int(link.kind), link.item_id) for link in entry.links]
            accepted[entry.item_id] = NewLinks(links, entry.keep_others)
    return accepted, errors


class PictureReader:
    """Fetches and checks pictures, a bounded number at a time."""

    def __init__(self, fetcher: PictureFetcher, executor: BoundedExecutor) -> None:
        self._fetcher = fetcher
        self._executor = executor
        self._places = asyncio.Semaphore(PICTURES_AT_ONCE)

    async def read_all(self, shop_id: str, item: item_vision_pb2.ItemInput) -> list[StoredPicture | PictureError]:
        """Each picture of an item, or what is wrong with it."""
        return [await self._read(shop_id, picture) for picture in item.images]

    async def _read(self, shop_id: str, picture: item_vision_pb2.Picture) -> StoredPicture | PictureError:
        async with self._places:
            try:
                content = await self._fetcher.fetch(shop_id, picture)
                return await self._executor.run(stored_picture, content)
            except PictureError as error:
                return error


def stored_picture(content: bytes) -> StoredPicture:
    """A picture as it is stored: its bytes as they came. Raises: PictureError."""
    picture = decode_picture(content)
    return StoredPicture(picture.content_sha256, picture.media_type, picture.width, picture.height, content)


def _error(index: int, item_id: str, place: str, reason: str, description: str) -> item_vision_pb2.ItemError:
    return item_vision_pb2.ItemError(
        index=index, item_id=item_id[:128], field=place, reason=reason, description=description
    )
