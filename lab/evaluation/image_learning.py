"""From class folders to a picture classifier, and what it is worth on pictures that its networks have not seen."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.image_figures import Said, Vectors, class_figures, retrieval_figures
from lab.evaluation.picture_folders import (
    ClassFolders,
    FolderRefused,
    PictureFiles,
    RefusedPicture,
    find_class_folders,
)
from lab.evaluation.reliability import reliability
from services.item_vision.model.near_duplicates import near_duplicate_clusters
from services.item_vision.model.pictures import perceptual_hash
from services.item_vision.model.precision import dtype_policy
from services.item_vision.model.trunk import Trunk, TrunkSettings
from services.item_vision.training.calibration import log_softmax
from services.item_vision.training.devices import Devices, DeviceSettings
from services.item_vision.training.examples import stratified_folds
from services.item_vision.training.near_duplicates import NearDuplicateReport, PictureSet
from services.item_vision.training.picture_classifier import PictureClassifier
from services.item_vision.training.picture_training import ClassifierSettings, HeldOut, LabelledViews, train_classifier
from services.item_vision.training.picture_views import ViewPlan, encode_views
from services.item_vision.training.pictures import PictureTrainingSettings, near_duplicate_rule
from services.item_vision.training.tuning import Progress


@dataclass(frozen=True)
class ImageSettings:
    """How pictures are learned from."""

    trunk: TrunkSettings = field(default_factory=TrunkSettings)
    """Which backbone."""
    devices: DeviceSettings = field(default_factory=DeviceSettings)
    """Where it is tuned."""
    views: ViewPlan = field(default_factory=ViewPlan)
    """How pictures are seen in training."""
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    """How networks are tuned."""
    member_count: int = 3
    """Networks; each learns without one part of the pictures, on which it is judged."""


@dataclass(frozen=True)
class Learned:
    """What class folders taught."""

    trunk: Trunk
    classifier: PictureClassifier
    classes: tuple[str, ...]
    """Names, by number."""
    figures: dict[str, Any]
    """For the console and the report."""
    refused: list[RefusedPicture]
    """Training pictures that could not be used."""


@dataclass(frozen=True)
class _Pictures:
    """Usable training pictures."""

    files: PictureFiles
    labels: list[str]
    hashes: NDArray[np.uint64]
    refused: list[RefusedPicture]


def learn(train: Path, settings: ImageSettings, spool: Path, progress: Progress) -> Learned:
    """Train on the class folders below `train`; activations lie in `spool` meanwhile. Raises: FolderRefused."""
    pictures = _usable(find_class_folders(train), progress)
    classes, numbers = np.unique(pictures.labels, return_inverse=True)
    devices = Devices(settings.devices)
    with dtype_policy(str(devices.precision)):
        trunk = Trunk(settings.trunk)
    count = len(pictures.files)
    views = encode_views(
        trunk, pictures.files, settings.views, spool, lambda done: progress("training pictures seen", done, count)
    )
    features = [trunk.untuned.features(view) for view in (*views.plain, *views.altered)]
    families, copies = _families(trunk, pictures, features[0], settings)
    folds = stratified_folds(numbers, families, settings.member_count, settings.classifier.seed)
    examples = LabelledViews(views, features, numbers, len(classes), folds)
    classifier, held_out = train_classifier(trunk, examples, settings.classifier, devices, progress)
    figures = {
        "pictures": count,
        "classes": len(classes),
        "networks": settings.member_count,
        "temperature": round(classifier.temperature, 3),
        **_figures(examples, held_out, families),
        "near_duplicates": copies,
    }
    return Learned(trunk, classifier, tuple(map(str, classes)), figures, pictures.refused)


def _usable(folders: ClassFolders, progress: Progress) -> _Pictures:
    """Decode every picture once, and leave out what cannot be."""
    refused, kept, hashes = list(folders.refused), [], []
    for row, picture in enumerate(folders.files.decoded()):
        if isinstance(picture, RefusedPicture):
            refused.append(picture)
        else:
            kept.append(row)
            hashes.append(perceptual_hash(picture))
        progress("training pictures read", row + 1, len(folders.files))
    files = PictureFiles(folders.files.root, tuple(folders.files.paths[row] for row in kept))
    labels = [folders.labels[row] for row in kept]
    if len(set(labels)) < 2:
        raise FolderRefused(
            f"{folders.files.root} has pictures that can be read in fewer than two class folders; "
            f"the first that cannot: {refused[0].path}: {refused[0].message}"
        )
    return _Pictures(files, labels, np.array(hashes, np.uint64), refused)


def _families(
    trunk: Trunk, pictures: _Pictures, features: NDArray[np.float32], settings: ImageSettings
) -> tuple[NDArray[np.int64], dict[str, float]]:
    """`[n]` numbers that near-duplicates share, by a rule measured on altered copies, and the measurement."""
    rule, report = near_duplicate_rule(
        trunk,
        pictures.files,
        PictureSet(features, pictures.hashes),
        np.arange(len(features)),
        PictureTrainingSettings(side=settings.trunk.side),
    )
    families = near_duplicate_clusters(features, pictures.hashes, rule)
    return families, _copies(report, families)


def _copies(report: NearDuplicateReport, families: NDArray[np.int64]) -> dict[str, float]:
    return {
        "cosine": report.cosine,
        "hash_bits": report.hash_bits,
        "copy_recall": report.copy_recall,
        "pictures_with_a_duplicate": int((np.bincount(families)[families] > 1).sum()),
    }


def _figures(examples: LabelledViews, held_out: HeldOut, families: NDArray[np.int64]) -> dict[str, Any]:
    tuned = Said(held_out.probabilities, examples.classes)
    untuned = Said(np.exp(log_softmax(held_out.untuned_logits)), examples.classes)
    vectors = Vectors(examples.untuned_mean(np.arange(len(families))), held_out.embeddings, families, examples.folds)
    return {
        **class_figures(tuned),
        "accuracy_untuned": class_figures(untuned)["accuracy"],
        "reliability": reliability(tuned.confidences, tuned.correct > 0),
        **retrieval_figures(vectors, examples.classes),
    }
