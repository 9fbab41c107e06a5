"""What item_vision reads of a release: vision heads, text projection, and the items' vectors in their spaces."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureStore, ItemFeatures
from services.item_vision.vector_index import VectorIndex
from services.kit.release import Release

PAGE = 2_000


@dataclass
class VisionRelease:
    """A release's spaces and the items' vectors in them. The vectors grow as features are computed."""

    shop_id: str
    release_id: str
    heads: Heads | None
    """None for a shop that had no pictures."""
    projection: TextProjection
    images: VectorIndex
    texts: VectorIndex
    cursor: Cursor

    @classmethod
    def read(cls, release: Release) -> "VisionRelease":
        """Read the files; the vectors are still to come."""
        heads = Heads.load(release.path / "vision") if release.has("vision/heads.npz") else None
        return cls(
            shop_id=release.manifest.shop_id,
            release_id=release.release_id,
            heads=heads,
            projection=TextProjection.load(release.path / "text"),
            images=VectorIndex(),
            texts=VectorIndex(),
            cursor=Cursor(),
        )

    async def catch_up(self, store: FeatureStore) -> None:
        """Take in every feature that has changed since the last time."""
        while True:
            changes = await store.changes(self.shop_id, self.cursor, PAGE)
            if changes.features:
                await asyncio.to_thread(self._take_in, changes.features)
            self.cursor = changes.cursor
            if changes.complete:
                return

    def vectors(self, item_id: str) -> list[tuple[str, str, NDArray[np.float32]]]:
        """(modality, space_id, vector) of an item, as far as they are computed."""
        found = []
        image, text = self.images.vector(item_id), self.texts.vector(item_id)
        if image is not None and self.heads is not None:
            found.append(("image", self.heads.space_id, image))
        if text is not None:
            found.append(("text", self.projection.space_id, text))
        return found

    def _take_in(self, changed: Sequence[ItemFeatures]) -> None:
        # An encoder's name stands for its width too; features that lie about it (made-up ones) are left alone.
        encoder, width = self.projection.encoder_name, len(self.projection.mean)
        texts = [each for each in changed if each.text_encoder == encoder and len(each.text) == width]
        if texts:
            self.texts.put(_ids(texts), self.projection.project(np.stack([each.text for each in texts])))
        if self.heads is None:
            return
        backbone = self.heads.backbone_name
        pictured = [
            each
            for each in changed
            if each.image is not None and each.image_backbone == backbone and len(each.image) == self.heads.width
        ]
        if pictured:
            raw = np.stack([each.image for each in pictured if each.image is not None])
            self.images.put(_ids(pictured), self.heads.embed(raw))
        self.images.remove([each.item_id for each in changed if each.image is None])


def _ids(changed: Sequence[ItemFeatures]) -> list[str]:
    return [each.item_id for each in changed]
