"""Names pictures without a label, after training on class folders.

What is said of a picture depends on the training folder and on that picture alone: nothing is normalised over the
pictures that are to be named, and every batch runs through one graph of one size.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lab.evaluation.image_files import named_pictures, rejects_path, write_embeddings, write_rejects
from lab.evaluation.image_learning import ImageSettings, Learned, learn
from lab.evaluation.picture_folders import PictureFiles, RefusedPicture, find_pictures
from services.item_vision.model.pictures import Picture
from services.item_vision.model.trunk import BATCH_SIZE
from services.item_vision.training.picture_views import encode_views
from services.item_vision.training.tuning import Progress


@dataclass(frozen=True)
class ImageJob:
    """What is read and written."""

    train: Path
    """Class folders."""
    images: Path
    """Pictures without a label, at any depth."""
    output: Path
    """CSV `path,label,confidence`; `path` is below `images`."""
    embeddings: Path | None = None
    """NPZ `paths`, `embeddings`, of the pictures that could be read."""
    settings: ImageSettings = field(default_factory=ImageSettings)


@dataclass(frozen=True)
class ImageResult:
    """What came of it."""

    figures: dict[str, Any]
    """On pictures held out of the training folder."""
    named: int
    """Pictures that have a label now."""
    refused: int
    """Files of both folders that are no usable picture."""


def run(job: ImageJob, progress: Progress) -> ImageResult:
    """Learn, name every picture, and write the files. Raises: FolderRefused before anything is written."""
    files = find_pictures(job.images)
    with tempfile.TemporaryDirectory(prefix="vitrine-images-") as spool:
        learned = learn(job.train, job.settings, Path(spool), progress)
    named, refused = _name(files, learned, job, progress)
    refused_count = write_rejects(rejects_path(job.output), {"train": learned.refused, "images": refused})
    return ImageResult(learned.figures, named, refused_count)


def _name(files: PictureFiles, learned: Learned, job: ImageJob, progress: Progress) -> tuple[int, list[RefusedPicture]]:
    refused: list[RefusedPicture] = []
    paths: list[str] = []
    vectors = []
    with named_pictures(job.output) as rows:
        for start in range(0, len(files), BATCH_SIZE):
            batch = files[start : start + BATCH_SIZE]
            found = list(batch.decoded())
            pictures = [each for each in found if isinstance(each, Picture)]
            reading = learned.classifier.read(encode_views(learned.trunk, pictures).plain)
            said = iter(zip(reading.probabilities.argmax(axis=1), reading.probabilities.max(axis=1), strict=True))
            for path, each in zip(batch.paths, found, strict=True):
                if isinstance(each, RefusedPicture):
                    refused.append(each)
                    rows.write_refused(path)
                else:
                    number, confidence = next(said)
                    paths.append(path)
                    rows.write(path, learned.classes[number], float(confidence))
            vectors.append(reading.embeddings)
            progress("pictures named", start + len(batch), len(files))
    if job.embeddings is not None:
        write_embeddings(job.embeddings, paths, np.concatenate(vectors))
    return len(paths), refused
