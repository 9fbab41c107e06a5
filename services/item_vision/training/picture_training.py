"""Trains a `PictureClassifier` and says how good it is, all from one folder of labelled pictures.

The pictures are dealt into folds; each network learns without one of them. Whatever is said about quality, and the
temperature that makes probabilities honest, comes from pictures that the network in question never saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from services.item_vision.model.trunk import Trunk
from services.item_vision.training.basis import fit_basis
from services.item_vision.training.calibration import fit_temperature, log_softmax
from services.item_vision.training.devices import Devices
from services.item_vision.training.logistic import fit_logistic
from services.item_vision.training.metric_embedding import EmbeddingRows, EmbeddingSettings, fit_embedding
from services.item_vision.training.picture_classifier import Member, PictureClassifier, mean_features
from services.item_vision.training.picture_views import PictureViews
from services.item_vision.training.tuning import Progress, Start, TuningRun, TuningSettings, tune
from services.item_vision.training.tuning_batches import TuningRows


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained."""

    tuning: TuningSettings = field(default_factory=TuningSettings)
    """Of each network."""
    rank: int = 256
    """Leading directions of features that regression and embedding see."""
    l2: float = 0.1
    """Weight decay of the regression."""
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    """Of the embedding over the tuned features."""
    seed: int = 1
    """Of order, views, mixing, dropout and the embedding."""


@dataclass(frozen=True)
class LabelledViews:
    """What is learned from; row i is picture i everywhere."""

    views: PictureViews
    untuned: Sequence[np.ndarray]
    """`[n, width]` features of the backbone as it comes, of each view: the plain ones, then the altered ones."""
    classes: np.ndarray
    """`[n]`, 0 to `class_count` − 1."""
    class_count: int
    folds: np.ndarray
    """`[n]` the member that does not learn from the picture, 0 to the number of members − 1."""

    def untuned_mean(self, rows: np.ndarray) -> np.ndarray:
        """`[rows, width]` averaged over the plain views."""
        mean: np.ndarray = np.mean([view[rows] for view in self.untuned[: len(self.views.plain)]], axis=0)
        return mean


@dataclass(frozen=True)
class HeldOut:
    """What members say of the pictures that they have not seen."""

    probabilities: np.ndarray
    """`[n, classes]`, calibrated."""
    untuned_logits: np.ndarray
    """`[n, classes]` of logistic regression over the untuned features alone."""
    embeddings: np.ndarray
    """`[n, 64]`; vectors of different folds cannot be compared."""


def train_classifier(
    trunk: Trunk,
    examples: LabelledViews,
    settings: ClassifierSettings,
    devices: Devices,
    progress: Progress = lambda what, done, total: None,
) -> tuple[PictureClassifier, HeldOut]:
    """The classifier, and what its members say of pictures that they have not seen.

    Raises:
        ValueError: There are fewer than two folds.

    """
    member_count = int(examples.folds.max(initial=0)) + 1
    if member_count < 2:
        raise ValueError("a classifier needs at least two folds, so that something can be said about its quality")
    lesson = _Lesson(trunk, examples, settings, devices)
    members = []
    logits = np.zeros((len(examples.classes), examples.class_count), np.float32)
    untuned_logits = np.zeros_like(logits)
    embeddings = np.zeros((len(logits), settings.embedding.width), np.float32)
    for fold in range(member_count):
        run = TuningRun(settings.seed + fold, f"network {fold + 1} of {member_count}", progress)
        chosen, held_out = np.flatnonzero(examples.folds != fold), np.flatnonzero(examples.folds == fold)
        kernel, bias = start = lesson.regression(chosen)
        member = lesson.member(chosen, start, run)
        tuned = mean_features(member.network, [view.rows(held_out) for view in examples.views.plain])
        logits[held_out] = member.network.logits(tuned)
        untuned_logits[held_out] = examples.untuned_mean(held_out) @ kernel + bias
        embeddings[held_out] = member.embed(tuned)
        members.append(member)
    temperature = fit_temperature(logits, examples.classes)
    said = HeldOut(np.exp(log_softmax(logits / temperature)), untuned_logits, embeddings)
    return PictureClassifier(trunk, members, temperature), said


@dataclass(frozen=True)
class _Lesson:
    """All that members have in common."""

    trunk: Trunk
    examples: LabelledViews
    settings: ClassifierSettings
    devices: Devices

    def member(self, chosen: np.ndarray, start: Start, run: TuningRun) -> Member:
        """A member that learns from the chosen rows alone, from `start`."""
        views = [*self.examples.views.plain, *self.examples.views.altered]
        rows = TuningRows(views, self.examples.classes, chosen)
        network = tune(self.trunk, rows, start, self.settings.tuning, self.devices, run)
        # One view is enough to learn an embedding from, and half the work.
        features = network.features(self.examples.views.plain[0].rows(chosen))
        return Member(network, *self._embedding(features, self.examples.classes[chosen], run.seed))

    def regression(self, chosen: np.ndarray) -> Start:
        """Logistic regression over the untuned features of every view of the chosen rows."""
        basis = fit_basis(self.examples.untuned[0][chosen], self.settings.rank)
        coordinates = np.concatenate([basis.coordinates(view[chosen]) for view in self.examples.untuned])
        classes = np.tile(self.examples.classes[chosen], len(self.examples.untuned))
        return basis.unfold(*fit_logistic(coordinates, classes, self.examples.class_count, self.settings.l2))

    def _embedding(self, features: np.ndarray, classes: np.ndarray, seed: int) -> Start:
        basis = fit_basis(features, self.settings.rank)
        alone = np.full(len(classes), -1)
        rows = EmbeddingRows(basis.coordinates(features), {"class": classes}, alone)
        kernel = fit_embedding(rows, self.settings.embedding, seed)
        return basis.unfold(kernel, np.zeros(kernel.shape[1], np.float32))
