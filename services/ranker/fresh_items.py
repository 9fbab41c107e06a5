"""Items newer than a release: known to the catalogue, absent from the vocabulary, ranked by their vectors."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.ranker.catalogue import Catalogue
from services.ranker.model.signature import CONTENT_SIZE, IMAGE_SIZE
from services.ranker.row_map import RowMap
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc

LOG = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
ITEMS_A_CALL = 500
_FIRST_CAPACITY = 64


class FreshItems:
    """Vectors of one shop's fresh items in one release's spaces, fetched in the background as features get ready."""

    def __init__(self, shop_id: str, release_id: str, spaces: Mapping[str, str]) -> None:
        self._shop_id = shop_id
        self._release_id = release_id
        self._spaces = spaces
        self._place_of: dict[str, int] = {}
        # Place 0 is the item that nothing is known of.
        self._vectors = np.zeros((_FIRST_CAPACITY, CONTENT_SIZE), np.float32)
        self._finished: set[str] = set()
        """Items that have all the vectors they will ever have."""
        self._asked = 0

    def content(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """`[n, 128]` image and text vectors; zeros where they are not known yet."""
        place_of = self._place_of
        # First the places, then the table: it may be replaced by a longer one in between.
        places = np.array([place_of.get(item_id, 0) for item_id in item_ids], np.int64)
        return self._vectors[places]

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
        """Ask once for the vectors of fresh items that lack any, a bounded number a time."""
        missing = self._next_missing(await asyncio.to_thread(_fresh_ids, catalogue, rows))
        if not missing:
            return
        request = item_vision_pb2.GetItemsRequest(
            shop_id=self._shop_id, item_ids=missing, vector_release_id=self._release_id
        )
        answer = await item_vision.call(stub.GetItems, request, timeout_s=2.0)
        for item in answer.items:
            self.take_in(item)

    def take_in(self, item: item_vision_pb2.Item) -> None:
        """Keep an item's vectors of the release's spaces; an item with a picture is finished when both are there."""
        found = {vector.modality for vector in item.vectors if self._spaces.get(vector.modality) == vector.space_id}
        if found:
            place = self._place(item.item_id)
            for vector in item.vectors:
                if vector.modality in found:
                    self._vectors[place, _PARTS[vector.modality]] = vector.values
        wanted = self._spaces.keys() & _PARTS.keys() - (set() if item.image_count else {"image"})
        if wanted <= found:
            self._finished.add(item.item_id)

    def _next_missing(self, fresh: Sequence[str]) -> list[str]:
        """The next of them in turn, so that items whose features never come do not keep others waiting."""
        missing = [item_id for item_id in fresh if item_id not in self._finished]
        start = self._asked % max(len(missing), 1)
        chosen = (missing[start:] + missing[:start])[:ITEMS_A_CALL]
        self._asked = start + len(chosen)
        return chosen

    def _place(self, item_id: str) -> int:
        place = self._place_of.get(item_id)
        if place is None:
            place = len(self._place_of) + 1
            if place >= len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._place_of[item_id] = place
        return place


_PARTS = {"image": slice(0, IMAGE_SIZE), "text": slice(IMAGE_SIZE, None)}


def _fresh_ids(catalogue: Catalogue, rows: RowMap) -> list[str]:
    with catalogue.lock:
        rows.update(catalogue)
        fresh = rows.fresh_positions()
        return [catalogue.item_ids[position] for position in fresh[catalogue.present[fresh]].tolist()]
