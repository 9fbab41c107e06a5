"""Items newer than a release: known to the catalogue, absent from the vocabulary, ranked by their vectors."""

import asyncio
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.catalogue import Catalogue
from services.ranker.model.signature import CONTENT_SIZE, IMAGE_SIZE
from services.ranker.row_map import RowMap
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
ITEMS_A_CALL = 500


class FreshItems:
    """Vectors of one shop's fresh items in one release's spaces, fetched in the background as features get ready."""

    def __init__(self, shop_id: str, release_id: str, spaces: dict[str, str]) -> None:
        self._shop_id = shop_id
        self._release_id = release_id
        self._spaces = spaces
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def content(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """`[n, 128]` image and text vectors; zeros where they are not known yet."""
        absent = np.zeros(CONTENT_SIZE, np.float32)
        return np.array([self._vectors.get(item_id, absent) for item_id in item_ids], np.float32).reshape(
            -1, CONTENT_SIZE
        )

    async def keep_current(self, catalogue: Catalogue, rows: RowMap, item_vision: Upstream) -> None:
        """Ask again and again for what is missing, until cancelled."""
        stub = item_vision_pb2_grpc.CatalogueServiceStub(item_vision.channel)
        while True:
            try:
                await self.fetch_missing(catalogue, rows, item_vision, stub)
            except (DependencyDown, RemoteError) as failure:
                LOG.info("vectors of new items cannot be had", extra={"fields": {"cause": str(failure)}})
            await asyncio.sleep(ASK_EVERY_S)

    async def fetch_missing(
        self,
        catalogue: Catalogue,
        rows: RowMap,
        item_vision: Upstream,
        stub: item_vision_pb2_grpc.CatalogueServiceStub,
    ) -> None:
        """Ask once for the vectors of fresh items that have none yet, a bounded number a time."""
        rows.update(catalogue)
        present = catalogue.present
        wanted = [catalogue.item_ids[position] for position in rows.fresh_positions() if present[position]]
        missing = [item_id for item_id in wanted if item_id not in self._vectors][:ITEMS_A_CALL]
        if not missing:
            return
        request = item_vision_pb2.GetItemsRequest(
            shop_id=self._shop_id, item_ids=missing, vector_release_id=self._release_id
        )
        answer = await item_vision.call(stub.GetItems, request, timeout_s=2.0)
        for item in answer.items:
            vector = content_vector(item.vectors, self._spaces)
            if vector is not None:
                self._vectors[item.item_id] = vector


def content_vector(vectors: Sequence[common_pb2.ModalityVector], spaces: dict[str, str]) -> NDArray[np.float32] | None:
    """`[128]` from an item's vectors; None when it has none in the release's spaces. A missing modality is zeros."""
    content = np.zeros(CONTENT_SIZE, np.float32)
    found = False
    for vector in vectors:
        if spaces.get(vector.modality) != vector.space_id:
            continue
        if vector.modality == "image":
            content[:IMAGE_SIZE], found = vector.values, True
        elif vector.modality == "text":
            content[IMAGE_SIZE:], found = vector.values, True
    return content if found else None
