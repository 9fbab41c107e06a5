"""Trains the vision heads of a release from raw picture features and what the shop knows about its items."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from services.item_vision.model.heads import AttributeHead, Heads
from services.item_vision.model.near_duplicates import NearDuplicateRule
from services.item_vision.training.attribute_heads import (
    AttributeReport,
    AttributeSettings,
    AttributeUnreadableError,
    FittingRows,
    fit_attribute,
)
from services.item_vision.training.basis import FeatureBasis, fit_basis
from services.item_vision.training.embedding_rows import embedding_rows
from services.item_vision.training.examples import HeadExamples, folds
from services.item_vision.training.metric_embedding import EmbeddingSettings, fit_embedding
from services.item_vision.training.near_duplicates import NearDuplicateReport
from services.item_vision.training.retrieval import mean_average_precision


@dataclass(frozen=True)
class HeadSettings:
    """How vision heads are trained."""

    rank: int = 256
    """Leading directions of the raw features used; 128 to 512 were equally good on the clothing photographs."""
    seed: int = 7
    """Of splits and of the embedding's training."""
    attribute: AttributeSettings = field(default_factory=AttributeSettings)
    """Of the attribute heads."""
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    """Of the embedding."""


@dataclass(frozen=True)
class HeadsReport:
    """What was learned and how well, for the release's metrics and model card."""

    attributes: dict[str, AttributeReport]
    skipped_attributes: dict[str, str]
    """Attributes without a head, and why."""
    map_at_10_raw: dict[str, float]
    """Held-out "same class" mAP@10 of the raw features, by attribute that has a head."""
    map_at_10_embedding: dict[str, float]
    """The same of an embedding learned without the held-out items."""
    near_duplicate: NearDuplicateReport | None
    """None when no altered copies were given: the rule is then the default one."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return asdict(self)


def train_heads(
    examples: HeadExamples,
    backbone_name: str,
    settings: HeadSettings | None = None,
    near_duplicate: tuple[NearDuplicateRule, NearDuplicateReport] | None = None,
) -> tuple[Heads, HeadsReport]:
    """The heads, fitted on everything, and a report measured on rows that the measured fit had not seen.

    `near_duplicate` is what `measure_near_duplicates` answered; without it the default rule ships.

    Raises:
        ValueError: There are fewer than two items.

    """
    if examples.count < 2:
        raise ValueError(f"vision heads need at least 2 items with a picture, not {examples.count}")
    settings = settings or HeadSettings()
    started = time.perf_counter()
    basis = fit_basis(examples.features, settings.rank)
    rows = _fitting_rows(examples, basis, settings)
    heads, reports, skipped = _fit_attributes(examples, rows, basis, settings)
    classes = _readable_classes(examples, heads)
    raw, embedded = _compare_embedding(examples, rows, classes, settings)
    everything = np.ones(examples.count, bool)
    learned = embedding_rows(examples, rows, classes, everything, settings.seed)
    kernel = fit_embedding(learned, settings.embedding, settings.seed)
    embedding_kernel, embedding_bias = basis.unfold(kernel, np.zeros(kernel.shape[1], np.float32))
    rule, near_duplicate_report = near_duplicate or (NearDuplicateRule(), None)
    trained = Heads(backbone_name, heads, embedding_kernel, embedding_bias, rule)
    seconds = time.perf_counter() - started
    return trained, HeadsReport(reports, skipped, raw, embedded, near_duplicate_report, seconds)


def _fitting_rows(examples: HeadExamples, basis: FeatureBasis, settings: HeadSettings) -> FittingRows:
    coordinates, items = basis.coordinates(examples.features), np.arange(examples.count)
    if examples.augmented_features is not None and examples.augmented_rows is not None:
        coordinates = np.concatenate([coordinates, basis.coordinates(examples.augmented_features)])
        items = np.concatenate([items, examples.augmented_rows])
    fold_count = settings.attribute.fold_count
    return FittingRows(coordinates, items, folds(examples.family_numbers(), fold_count, settings.seed))


def _fit_attributes(
    examples: HeadExamples, rows: FittingRows, basis: FeatureBasis, settings: HeadSettings
) -> tuple[tuple[AttributeHead, ...], dict[str, AttributeReport], dict[str, str]]:
    heads: list[AttributeHead] = []
    reports: dict[str, AttributeReport] = {}
    skipped: dict[str, str] = {}
    for name, values in examples.attributes.items():
        try:
            head, reports[name] = fit_attribute(name, values, rows, basis, settings.attribute)
            heads.append(head)
        except AttributeUnreadableError as error:
            skipped[name] = str(error)
    return tuple(heads), reports, skipped


def _compare_embedding(
    examples: HeadExamples, rows: FittingRows, classes: dict[str, np.ndarray], settings: HeadSettings
) -> tuple[dict[str, float], dict[str, float]]:
    """mAP@10 on the first fold, of raw features and of an embedding learned on the other folds."""
    held_out = rows.folds == 0
    learned = embedding_rows(examples, rows, classes, ~held_out, settings.seed)
    kernel = fit_embedding(learned, settings.embedding, settings.seed)
    families = examples.family_numbers()[held_out]
    features = examples.features[held_out]
    vectors = rows.coordinates[: examples.count][held_out] @ kernel
    raw = {name: mean_average_precision(features, each[held_out], families) for name, each in classes.items()}
    embedded = {name: mean_average_precision(vectors, each[held_out], families) for name, each in classes.items()}
    return raw, embedded


def _readable_classes(examples: HeadExamples, heads: tuple[AttributeHead, ...]) -> dict[str, np.ndarray]:
    """Class numbers of the attributes that pictures show; the others would only pull like apart."""
    numbers = {head.name: {name: number for number, name in enumerate(head.classes)} for head in heads}
    return {
        name: np.array([number_of.get(value or "", -1) for value in examples.attributes[name]])
        for name, number_of in numbers.items()
    }
