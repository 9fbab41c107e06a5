"""A small catalogue that also answers vectors, in the spaces of the small release: what the ranker reads items from."""

from collections.abc import Sequence
from typing import Any

import grpc

from tests.fakes.small_catalogue import SmallCatalogue
from tests.releases import SmallVectors
from tests.small_shop import SmallItem
from vitrine.common.v1.common_pb2 import ModalityVector
from vitrine.item_vision.v1 import item_vision_pb2 as pb


class VectorCatalogue(SmallCatalogue):
    """The small catalogue of every shop, with what the small release's heads make of the items' raw features."""

    def __init__(self, items: Sequence[SmallItem]) -> None:
        super().__init__([item.facts() for item in items])
        self.features_ready = True
        """Whether vectors are answered: False is a picture worker that has not come round yet."""
        self._items = {item.item_id: item for item in items}
        self._vectors = SmallVectors()

    async def put_items(self, *items: SmallItem) -> None:
        """Bring items into the shop; watchers are told."""
        self._items |= {item.item_id: item for item in items}
        await self.put(*(item.facts() for item in items))

    async def GetItems(
        self, request: pb.GetItemsRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.GetItemsResponse:
        answer = await super().GetItems(request, context)
        if request.vector_release_id and self.features_ready:
            for item in answer.items:
                content = self._vectors.content([self._items[item.item_id]])[0]
                for modality, values in (("image", content[:64]), ("text", content[64:])):
                    space_id = self._vectors.spaces[modality]
                    item.vectors.append(ModalityVector(modality=modality, space_id=space_id, values=values))
        return answer
