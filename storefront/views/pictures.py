"""Pictures of items, scaled, cached and never missing: what has no picture gets a drawn one."""

import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass

import grpc
from starlette.requests import Request
from starlette.responses import Response

from storefront.failures import failure_of
from storefront.placeholder import placeholder
from storefront.rendering import PICTURE_WIDTHS
from storefront.upstreams import Upstreams
from vitrine.item_vision.v1 import item_vision_pb2

logger = logging.getLogger(__name__)

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif")
"""What is passed on; a picture that could hold a script is not."""
CACHE_BYTES = 48 * 2**20
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class StoredPicture:
    """A picture as it is answered."""

    content: bytes
    media_type: str
    etag: str


class PictureCache:
    """The pictures asked for last, by what was asked, up to CACHE_BYTES."""

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self._capacity = capacity
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str, int, int, str], StoredPicture] = OrderedDict()

    def get(self, key: tuple[str, str, int, int, str]) -> StoredPicture | None:
        """The picture, if it is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[str, str, int, int, str], picture: StoredPicture) -> None:
        """Keep a picture; the one that was longest unasked goes."""
        self._bytes -= len(self._kept.pop(key).content) if key in self._kept else 0
        self._kept[key] = picture
        self._bytes += len(picture.content)
        while self._bytes > self._capacity:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.content)


def width_for(text: str) -> int:
    """The width to ask for: the next of PICTURE_WIDTHS; the largest when none was named."""
    wanted = int(text) if text.isdigit() else PICTURE_WIDTHS[-1]
    return next((width for width in PICTURE_WIDTHS if width >= wanted), PICTURE_WIDTHS[-1])


class Pictures:
    """Answers /images/<shop>/<item_id>/<index>?w=<width>&v=<etag>."""

    def __init__(self, upstreams: Upstreams, shops: tuple[str, ...]) -> None:
        self._upstreams = upstreams
        self._shops = shops
        self._cache = PictureCache()

    async def show(self, request: Request) -> Response:
        """The picture, 304 when the browser has it, or a drawn one."""
        shop_id, item_id = request.path_params["shop_id"], request.path_params["item_id"]
        index, version = request.path_params["index"], request.query_params.get("v", "")
        if shop_id not in self._shops:
            return Response(status_code=404)
        width = width_for(request.query_params.get("w", ""))
        picture = await self._fetch(shop_id, item_id, index, width, version)
        if picture is None:
            return _answer(request, _drawn(item_id), FOR_A_WHILE)
        return _answer(request, picture, FOR_GOOD if version else FOR_A_WHILE)

    async def _fetch(self, shop_id: str, item_id: str, index: int, width: int, version: str) -> StoredPicture | None:
        key = (shop_id, item_id, index, width, version)
        # Without a version the address says nothing about the content, so it is asked for anew.
        found = self._cache.get(key) if version else None
        if found is not None:
            return found
        try:
            answer = await self._upstreams.vision.GetImage(
                item_vision_pb2.GetImageRequest(shop_id=shop_id, item_id=item_id, index=index, width=width)
            )
        except grpc.aio.AioRpcError as error:
            failure = failure_of(error)
            if failure.http_status != 404:
                logger.warning("picture of %s: %s %s", item_id, failure.code.name, failure.message)
            return None
        if answer.media_type not in MEDIA_TYPES:
            logger.warning("picture of %s is of type %s", item_id, answer.media_type)
            return None
        etag = hashlib.sha256(f"{answer.etag}/{width}".encode()).hexdigest()[:24]
        picture = StoredPicture(answer.content, answer.media_type, etag)
        self._cache.put(key, picture)
        return picture


async def show_drawn(request: Request) -> Response:
    """Answers /drawn/<seed>: the drawn picture of a banner that has none of its own."""
    return drawn_answer(request, request.path_params["seed"])


def drawn_answer(request: Request, seed: str) -> Response:
    """The drawn picture of a seed."""
    return _answer(request, _drawn(seed), FOR_A_WHILE)


def _drawn(item_id: str) -> StoredPicture:
    content = placeholder(item_id).encode()
    return StoredPicture(content, "image/svg+xml", hashlib.sha256(content).hexdigest()[:24])


def _answer(request: Request, picture: StoredPicture, caching: str) -> Response:
    etag = f'"{picture.etag}"'
    headers = {"etag": etag, "cache-control": caching, "content-security-policy": POLICY}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(picture.content, media_type=picture.media_type, headers=headers)
