"""The items' vectors in one release's spaces, held once for all releases that have the same spaces."""

import asyncio
from collections.abc import Sequence

import numpy as np

from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureStore, ItemFeatures
from services.item_vision.vector_index import VectorIndex

PAGE = 500
"""Features a query: decoding them holds up whoever else is answered, some 5 ms."""


class ItemVectors:
    """Vectors of a shop's items by picture and by text. They grow as features are computed."""

    def __init__(self, shop_id: str, heads: Heads | None, projection: TextProjection) -> None:
        self.spaces = ("" if heads is None else heads.space_id, projection.space_id)
        """Of pictures ("" for a shop that had none) and of texts."""
        self.images = VectorIndex()
        self.texts = VectorIndex()
        self._shop_id, self._heads, self._projection = shop_id, heads, projection
        self._cursor = Cursor()
        self._catching_up = asyncio.Lock()

    async def catch_up(self, store: FeatureStore) -> None:
        """Take in every feature that has changed since the last time. Raises: DependencyDown."""
        async with self._catching_up:  # several releases may share these vectors
            while True:
                changes = await store.changes(self._shop_id, self._cursor, PAGE)
                if changes.features:
                    await asyncio.to_thread(self._take_in, changes.features)
                self._cursor = changes.cursor
                if changes.complete:
                    return

    def _take_in(self, changed: Sequence[ItemFeatures]) -> None:
        # An encoder's name stands for its width too; features that lie about it (made-up ones) are left alone.
        encoder, width = self._projection.encoder_name, len(self._projection.mean)
        texts = [each for each in changed if each.text_encoder == encoder and len(each.text) == width]
        if texts:
            self.texts.put(_ids(texts), self._projection.project(np.stack([each.text for each in texts])))
        if self._heads is None:
            return
        backbone = self._heads.backbone_name
        pictured = [
            each
            for each in changed
            if each.image is not None and each.image_backbone == backbone and len(each.image) == self._heads.width
        ]
        if pictured:
            raw = np.stack([each.image for each in pictured if each.image is not None])
            self.images.put(_ids(pictured), self._heads.embed(raw))
        self.images.remove([each.item_id for each in changed if each.image is None])


def _ids(changed: Sequence[ItemFeatures]) -> list[str]:
    return [each.item_id for each in changed]
