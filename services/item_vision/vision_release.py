"""What item_vision reads of a release: vision heads, text projection, and the items' vectors in their spaces."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.item_vision.item_vectors import ItemVectors
from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.sql.feature_store import FeatureStore
from services.item_vision.vector_index import VectorIndex
from services.kit.release import Release


@dataclass(frozen=True)
class VisionRelease:
    """A release's spaces and the items' vectors in them."""

    shop_id: str
    release_id: str
    heads: Heads | None
    """None for a shop that had no pictures."""
    projection: TextProjection
    items: ItemVectors
    """Shared with other releases that have the same spaces."""

    @classmethod
    def of(cls, shop_id: str, release_id: str, heads: Heads | None, projection: TextProjection) -> "VisionRelease":
        """A release whose vectors are still to come."""
        return cls(shop_id, release_id, heads, projection, ItemVectors(shop_id, heads, projection))

    @classmethod
    def read(cls, release: Release) -> "VisionRelease":
        """Read the files; the vectors are still to come."""
        heads = Heads.load(release.path / "vision") if release.has("vision/heads.npz") else None
        projection = TextProjection.load(release.path / "text")
        return cls.of(release.manifest.shop_id, release.release_id, heads, projection)

    def sharing(self, others: Iterable["VisionRelease"]) -> "VisionRelease":
        """The same release with the vectors of another one of the shop that has the same spaces, if there is any.

        A ranker that was trained anew then costs no reading of a million features.
        """
        for other in others:
            if other.shop_id == self.shop_id and other.items.spaces == self.items.spaces:
                return replace(self, items=other.items)
        return self

    @property
    def images(self) -> VectorIndex:
        """Of the items' main pictures."""
        return self.items.images

    async def catch_up(self, store: FeatureStore) -> None:
        """Take in every feature that has changed since the last time. Raises: DependencyDown."""
        await self.items.catch_up(store)

    def vectors(self, item_id: str) -> list[tuple[str, str, NDArray[np.float32]]]:
        """(modality, space_id, vector) of an item, as far as they are computed."""
        found = []
        image, text = self.items.images.vector(item_id), self.items.texts.vector(item_id)
        if image is not None and self.heads is not None:
            found.append(("image", self.heads.space_id, image))
        if text is not None:
            found.append(("text", self.projection.space_id, text))
        return found
