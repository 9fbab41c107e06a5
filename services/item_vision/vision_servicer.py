"""ItemVisionService: check, call the domain, convert."""

import asyncio

import grpc
import numpy as np
from numpy.typing import NDArray

from services.item_vision import requests
from services.item_vision.holdings import Holdings
from services.item_vision.item import CatalogueItem
from services.item_vision.messages import ETAG_LENGTH
from services.item_vision.model.encoders import ImageEncoder
from services.item_vision.model.heads import Heads
from services.item_vision.model.pictures import Picture, PictureError, decode_picture, network_input, render
from services.item_vision.similar import Found, similar_items
from services.item_vision.vision_release import VisionRelease
from services.kit.errors import InvalidRequest, NotFound, NotReady
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb
from vitrine.item_vision.v1 import item_vision_pb2_grpc


class ItemVisionServicer(item_vision_pb2_grpc.ItemVisionServiceServicer):
    """Sees."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    async def DescribeImage(  # type: ignore[override]  # noqa: N802
        self, request: pb.DescribeImageRequest, context: grpc.aio.ServicerContext
    ) -> pb.DescribeImageResponse:
        """Embedding and attributes of one picture; nothing is stored."""
        requests.check_describe_image(request)
        release, heads = self._heads(request.shop_id, request.release_id)
        picture, features = await self._see(request.shop_id, request.picture)
        readings = heads.describe(features)[0]
        return pb.DescribeImageResponse(
            embedding=common_pb2.ModalityVector(
                modality="image", space_id=heads.space_id, values=heads.embed(features)[0].tolist()
            ),
            attributes=[
                pb.ImageAttribute(
                    name=reading.name,
                    value=reading.value,
                    confidence=reading.confidence,
                    abstained=reading.abstained,
                )
                for reading in readings
            ],
            release_id=release.release_id,
            width=picture.width,
            height=picture.height,
        )

    async def FindSimilarItems(  # type: ignore[override]  # noqa: N802
        self, request: pb.FindSimilarItemsRequest, context: grpc.aio.ServicerContext
    ) -> pb.FindSimilarItemsResponse:
        """Items that look most like an item or a picture."""
        requests.check_find_similar(request)
        release, heads = self._heads(request.shop_id, request.release_id)
        asked: CatalogueItem | None = None
        if request.WhichOneof("query") == "item_id":
            asked = await self._item(request.shop_id, request.item_id)
            vector = release.images.vector(request.item_id)
            if vector is None:
                raise NotReady(
                    f"{request.item_id} has no picture features yet; GetFeatureProgress says how far they are",
                    reason="FEATURES_NOT_READY",
                    metadata={"item_id": request.item_id},
                )
        else:
            _, features = await self._see(request.shop_id, request.picture)
            vector = heads.embed(features)[0]
        found = await similar_items(request, asked, vector, release, self._holdings.catalogue)
        return _similar_message(found, release)

    async def GetImage(  # type: ignore[override]  # noqa: N802
        self, request: pb.GetImageRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetImageResponse:
        """A picture as stored, or scaled down."""
        requests.check_get_image(request)
        # Of retired items too: an order of last year still shows them.
        found = await self._holdings.catalogue.get(request.shop_id, [request.item_id], retired=True)
        images = found[request.item_id].images if request.item_id in found else ()
        stored = None
        if request.index < len(images):
            stored = await self._holdings.catalogue.picture(request.shop_id, images[request.index])
        if stored is None:
            raise NotFound(
                f"shop {request.shop_id} has no picture {request.index} of item {request.item_id}",
                reason="IMAGE_UNKNOWN",
                metadata={"item_id": request.item_id, "index": str(request.index)},
            )
        etag = f"{stored.sha256[:ETAG_LENGTH]}-{request.width}"
        if not request.width or request.width >= stored.width:
            return pb.GetImageResponse(content=stored.content, media_type=stored.media_type, etag=etag)
        scaled = await self._holdings.executor.run(_scaled, stored.content, request.width)
        return pb.GetImageResponse(content=scaled, media_type="image/jpeg", etag=etag)

    def _heads(self, shop_id: str, release_id: str) -> tuple[VisionRelease, Heads]:
        release = self._holdings.releases.get(shop_id, release_id)
        if release.heads is None:
            raise NotReady(
                f"release {release.release_id} has no vision heads: the shop had too few pictures when it was trained",
                reason="RELEASE_NOT_READY",
                metadata={"release_id": release.release_id},
            )
        return release, release.heads

    async def _item(self, shop_id: str, item_id: str) -> CatalogueItem:
        found = await self._holdings.catalogue.get(shop_id, [item_id])
        if item_id not in found:
            raise NotFound(
                f"shop {shop_id} has no item {item_id}", reason="ITEM_UNKNOWN", metadata={"item_id": item_id}
            )
        return found[item_id]

    async def _see(self, shop_id: str, picture: pb.Picture) -> tuple[Picture, NDArray[np.float32]]:
        """The decoded picture and its raw features `[1, width]`. Raises: InvalidRequest saying what is wrong."""
        field = f"picture.{picture.WhichOneof('source')}"
        try:
            content = await self._holdings.fetcher.fetch(shop_id, picture)
            encoder = await asyncio.shield(self._holdings.encoder)
            return await self._holdings.executor.run(_see, content, encoder)
        except PictureError as error:
            raise InvalidRequest.of(field, f"{error.reason}: {error}") from error


def _see(content: bytes, encoder: ImageEncoder) -> tuple[Picture, NDArray[np.float32]]:
    picture = decode_picture(content)
    return picture, encoder.encode(network_input(picture)[None])


def _scaled(content: bytes, width: int) -> bytes:
    return render(decode_picture(content), width)


def _similar_message(found: Found, release: VisionRelease) -> pb.FindSimilarItemsResponse:
    return pb.FindSimilarItemsResponse(
        items=[pb.SimilarItem(item_id=item_id, similarity=cosine) for item_id, cosine in found.items],
        release_id=release.release_id,
        near_duplicate_item_ids=found.near_duplicates,
    )
