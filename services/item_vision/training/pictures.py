"""Heads straight from pictures, where no features are cached yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.item_vision.model.encoders import PICTURE_SIZE, ImageEncoder
from services.item_vision.model.heads import Heads
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.model.pictures import Picture, network_input, perceptual_hash, picture_of
from services.item_vision.training.augmentation import (
    NEAR_IDENTICAL_COPIES,
    TRAINING_COPIES,
    AugmentationSettings,
    altered,
)
from services.item_vision.training.examples import HeadExamples
from services.item_vision.training.heads import HeadSettings, HeadsReport, train_heads
from services.item_vision.training.near_duplicates import (
    NearDuplicateReport,
    PictureSet,
    measure_near_duplicates,
)

BATCH_SIZE = 64


@dataclass(frozen=True)
class PictureTrainingSettings:
    """What is done with pictures before heads are trained."""

    augmentation: AugmentationSettings = TRAINING_COPIES
    """Copies that the heads are also fitted on."""
    near_identical: AugmentationSettings = NEAR_IDENTICAL_COPIES
    """Copies that count as the same picture."""
    near_identical_count: int = 300
    """How many pictures are copied to measure the near-duplicate rule."""
    side: int = PICTURE_SIZE
    """Pixels across and down of the pictures that the encoder takes."""
    heads: HeadSettings = field(default_factory=HeadSettings)
    """How the heads are trained."""


def train_heads_from_pictures(
    encoder: ImageEncoder,
    pictures: Sequence[Picture],
    attributes: Mapping[str, Sequence[str | None]],
    families: Sequence[str] = (),
    settings: PictureTrainingSettings | None = None,
) -> tuple[Heads, HeadsReport]:
    """Heads of a shop from one picture an item; see `train_heads`. Encodes every picture and its altered copies."""
    settings = settings or PictureTrainingSettings()
    originals = encode_pictures(encoder, pictures, settings.side)
    examples = HeadExamples(originals.features, attributes, families)
    generator = np.random.default_rng(settings.heads.seed)
    rows = np.repeat(np.arange(len(pictures)), settings.augmentation.copy_count)
    if len(rows):
        copies = _altered_pictures(pictures, rows, settings.augmentation, generator)
        augmented = encode_pictures(encoder, copies, settings.side).features
        examples = replace(examples, augmented_features=augmented, augmented_rows=rows)
    rule = near_duplicate_rule(encoder, pictures, originals, examples.family_numbers(), settings)
    return train_heads(examples, encoder.backbone_name, settings.heads, rule)


def near_duplicate_rule(
    encoder: ImageEncoder,
    pictures: Sequence[Picture],
    originals: PictureSet,
    families: np.ndarray,
    settings: PictureTrainingSettings | None = None,
) -> tuple[NearDuplicateRule, NearDuplicateReport]:
    """When two of the shop's pictures count as the same, from mildly altered copies of some of them.

    `originals` are the `pictures` already encoded, row by row.
    """
    settings = settings or PictureTrainingSettings()
    generator = np.random.default_rng(settings.heads.seed)
    count = min(settings.near_identical_count, len(pictures))
    rows = generator.choice(len(pictures), count, replace=False)
    copies = encode_pictures(
        encoder, _altered_pictures(pictures, rows, settings.near_identical, generator), settings.side
    )
    return measure_near_duplicates(originals, copies, rows, families)


def encode_pictures(encoder: ImageEncoder, pictures: Sequence[Picture], side: int = PICTURE_SIZE) -> PictureSet:
    """Raw features and perceptual hashes of pictures, in order."""
    features = [np.empty((0, encoder.width), np.float32)]
    for start in range(0, len(pictures), BATCH_SIZE):
        batch = pictures[start : start + BATCH_SIZE]
        features.append(encoder.encode(np.stack([network_input(picture, picture_side=side) for picture in batch])))
    hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
    return PictureSet(np.concatenate(features), hashes)


def _altered_pictures(
    pictures: Sequence[Picture],
    rows: np.ndarray,
    settings: AugmentationSettings,
    generator: np.random.Generator,
) -> list[Picture]:
    return [picture_of(altered(np.asarray(pictures[row].image), settings, generator)) for row in rows]
