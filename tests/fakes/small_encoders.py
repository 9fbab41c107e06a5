"""Encoders and a release small enough to know by heart, for item_vision without TensorFlow."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.heads import AttributeHead, Heads
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.text_projection import TextProjection
from services.item_vision.vision_release import VisionRelease
from services.kit.release import Labels, Release, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter

CELLS = 4
IMAGE_WIDTH = CELLS * CELLS * 3
TEXT_WIDTH = 32
RULE = NearDuplicateRule(cosine=0.9995, hash_bits=4)


class SmallImageEncoder:
    """The colours of 4 x 4 cells, white as zero. With `broken` it fails, as a GPU out of memory would."""

    backbone_name = f"small/{IMAGE_WIDTH}"
    width = IMAGE_WIDTH

    def __init__(self) -> None:
        self.broken = False

    def encode(self, images: np.ndarray) -> np.ndarray:
        if self.broken:
            raise RuntimeError("out of memory")
        side = images.shape[1] // CELLS
        cells = images.reshape(len(images), CELLS, side, CELLS, side, 3).mean(axis=(2, 4))
        return (1 - cells / 255).reshape(len(images), IMAGE_WIDTH).astype(np.float32)


class SmallTextEncoder:
    """A bag of words in 32 buckets."""

    encoder_name = "small-words"
    width = TEXT_WIDTH

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(sentences), TEXT_WIDTH), np.float32)
        for row, sentence in enumerate(sentences):
            for word in sentence.lower().split():
                vectors[row, crc32(word.encode()) % TEXT_WIDTH] += 1
        return normalise_rows(vectors)


def small_heads() -> Heads:
    """Colour read off the channels (what is absent shows as feature), and an embedding that keeps angles."""
    absent = np.tile(np.eye(3, dtype=np.float32), (CELLS * CELLS, 1))
    colour = AttributeHead("colour", ("red", "green", "blue"), -absent * 4, np.zeros(3, np.float32), 1.0, 0.6)
    return Heads(
        SmallImageEncoder.backbone_name,
        (colour,),
        np.eye(IMAGE_WIDTH, 64, dtype=np.float32),
        np.zeros(64, np.float32),
        RULE,
    )


def small_projection() -> TextProjection:
    """The bag of words in 64 dimensions, half of them zero."""
    kernel = np.eye(TEXT_WIDTH, 64, dtype=np.float32)
    return TextProjection(SmallTextEncoder.encoder_name, np.zeros(TEXT_WIDTH, np.float32), kernel)


def small_release(shop_id: str, release_id: str) -> VisionRelease:
    """The release in memory; its vectors are still to come."""
    return VisionRelease.of(shop_id, release_id, small_heads(), small_projection())


def publish(root: Path, shop_id: str, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Release:
    """The release on disk, stable in its shop."""
    heads, projection = small_heads(), small_projection()
    with ReleaseWriter(root, shop_id, now) as writer:
        heads.save(writer.path("vision/heads.npz").parent)
        projection.save(writer.path("text/projection.npz").parent)
        spaces = {"image": heads.space_id, "text": projection.space_id}
        release = writer.publish(data_sha256="0" * 64, spaces=spaces, calibrated=False)
    ReleaseDirectory(root, shop_id).write_labels(Labels(stable=release.release_id))
    return release
