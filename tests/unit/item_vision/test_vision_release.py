import asyncio
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from services.item_vision.model.heads import Heads
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_store import FeatureChanges, FeatureStore, ItemFeatures
from services.item_vision.vision_release import VisionRelease


class OneChange:
    """A store in which something has changed once."""

    def __init__(self, features: Sequence[ItemFeatures]) -> None:
        self._features = features

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> FeatureChanges:
        return FeatureChanges(self._features, Cursor(1, "z"), complete=True)


def features(item_id: str, image: int, text: int) -> ItemFeatures:
    return ItemFeatures(item_id, np.ones(image, np.float16), 0, np.ones(text, np.float16), "backbone", "encoder", b"")


def heads(scale: float = 1.0) -> Heads:
    return Heads("backbone", (), scale * np.eye(6, 64, dtype=np.float32), np.zeros(64, np.float32))


PROJECTION = TextProjection("encoder", np.zeros(5, np.float32), np.eye(5, 64, dtype=np.float32))


def caught_up(release: VisionRelease, *item_ids: str) -> VisionRelease:
    changed = [features(item_id, 6, 5) for item_id in item_ids]
    asyncio.run(release.catch_up(cast(FeatureStore, OneChange(changed))))
    return release


def modalities(release: VisionRelease, item_id: str) -> list[str]:
    return [modality for modality, _, _ in release.vectors(item_id)]


def test_features_of_another_width_are_left_alone() -> None:
    release = VisionRelease.of("shop", "r1", heads(), PROJECTION)
    changed = [features("a", 6, 5), features("b", 9, 5), features("c", 6, 9)]
    asyncio.run(release.catch_up(cast(FeatureStore, OneChange(changed))))
    assert [modalities(release, item_id) for item_id in "abc"] == [["image", "text"], ["text"], ["image"]]


def test_releases_with_the_same_spaces_share_their_vectors() -> None:
    old = caught_up(VisionRelease.of("shop", "r1", heads(), PROJECTION), "a")
    new = VisionRelease.of("shop", "r2", heads(), PROJECTION).sharing([old])
    assert modalities(new, "a") == ["image", "text"]
    caught_up(new, "b")
    assert modalities(old, "b") == ["image", "text"]
    assert new.release_id == "r2"


@pytest.mark.parametrize(
    "other",
    [
        VisionRelease.of("another", "r1", heads(), PROJECTION),
        VisionRelease.of("shop", "r1", heads(2.0), PROJECTION),
        VisionRelease.of("shop", "r1", None, PROJECTION),
    ],
    ids=["another shop", "other heads", "no pictures"],
)
def test_vectors_of_other_spaces_are_not_shared(other: VisionRelease) -> None:
    caught_up(other, "a")
    new = VisionRelease.of("shop", "r2", heads(), PROJECTION).sharing([other])
    assert modalities(new, "a") == []
