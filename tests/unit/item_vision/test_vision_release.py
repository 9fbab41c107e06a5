import asyncio
from collections.abc import Sequence
from typing import cast

import numpy as np

from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureChanges, FeatureStore, ItemFeatures
from services.item_vision.vector_index import VectorIndex
from services.item_vision.vision_release import VisionRelease


class OneChange:
    """A store in which something has changed once."""

    def __init__(self, features: Sequence[ItemFeatures]) -> None:
        self._features = features

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> FeatureChanges:
        return FeatureChanges(self._features, Cursor(1, "z"), complete=True)


def features(item_id: str, image: int, text: int) -> ItemFeatures:
    return ItemFeatures(item_id, np.ones(image, np.float16), 0, np.ones(text, np.float16), "backbone", "encoder", b"")


def test_features_of_another_width_are_left_alone() -> None:
    heads = Heads("backbone", (), np.eye(6, 64, dtype=np.float32), np.zeros(64, np.float32))
    projection = TextProjection("encoder", np.zeros(5, np.float32), np.eye(5, 64, dtype=np.float32))
    release = VisionRelease("shop", "r1", heads, projection, VectorIndex(), VectorIndex(), Cursor())
    changed = [features("a", 6, 5), features("b", 9, 5), features("c", 6, 9)]
    asyncio.run(release.catch_up(cast(FeatureStore, OneChange(changed))))
    assert [[modality for modality, _, _ in release.vectors(item_id)] for item_id in "abc"] == [
        ["image", "text"],
        ["text"],
        ["image"],
    ]
