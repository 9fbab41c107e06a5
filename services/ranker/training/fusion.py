"""Trains the fusion model on logged impressions, or on sampled negatives where there are none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.model.configuration import FusionConfig, ItemTable
from services.ranker.model.fusion import FusionModel, build_fusion
from services.ranker.model.servable import Scoring
from services.ranker.training.batches import Pieces, batches, cut
from services.ranker.training.calibration import CalibrationFit, Observed, fit_calibration
from services.ranker.training.examination import (
    Examination,
    Slots,
    fit_examination,
    fit_examination_given_relevance,
)
from services.ranker.training.losses import (
    click_loss,
    counted,
    distillation_loss,
    entire_space_loss,
    purchase_loss,
    sampled_softmax_loss,
)
from services.ranker.training.replicas import Replicas
from services.ranker.training.report import Scores, compare, measure
from services.ranker.training.rows import ImpressionRows
from services.ranker.training.scoring import Scorer, sigmoid
from services.ranker.training.updates import Updates

Task = Literal["both", "click", "purchase"]

LOSSES = {"both": entire_space_loss, "click": click_loss, "purchase": purchase_loss}
"""What is made small on impressions, by task."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class TrainingConfig:
    """How the fusion model is trained."""

    epochs: int = 6
    """At most so many passes."""
    patience: int = 2
    """Stops after so many passes without a better validation loss; the best weights are kept."""
    learning_rate: float = 1e-2
    """Of Adam, in the first pass."""
    learning_rate_decay: float = 0.7
    """Factor after each pass."""
    batch_size: int = 96
    """Pieces of requests a step."""
    width: int = 24
    """Rows of one request a piece. Sampled negatives are never cut: there it is the longest request."""
    validation_share: float = 0.1
    """Share of the requests, the last before the held-out ones, for early stopping and calibration."""
    held_out_share: float = 0.1
    """Share of the requests, the latest, that nothing is fitted on."""
    seed: int = 20
    """Of shuffling, dropout and initial weights (with the model's own)."""
    task: Task = "both"
    """What is learnt from impressions. "click" and "purchase" are for comparison: the same model with one task only.
    One of purchases alone is not calibrated, as its click head says nothing of clicks."""


@dataclass(frozen=True)
class TrainedFusion:
    """What training made; `export_fusion(model, …)` writes the SavedModel."""

    model: FusionModel
    """Best weights, calibration set."""
    calibration: CalibrationFit
    examination: Examination | None
    """None where there were no impressions: the template's prior holds."""
    metrics: dict[str, float]
    """`train.click_auc`, `validation.…`, `held_out.…`, `gap.…`; see `report.measure`."""


def train_fusion(
    rows: ImpressionRows,
    table: ItemTable,
    config: FusionConfig | None = None,
    training: TrainingConfig | None = None,
    progress: Progress | None = None,
    teacher: FusionModel | None = None,
) -> TrainedFusion:
    """Trains by time split: earliest requests to fit, later ones to stop and calibrate, the latest to report on.

    Within the scope of a `tf.distribute` strategy its replicas train together (`replicas.py`).
    With a `teacher`, which was trained on the same rows, the model learns from its probabilities as well.

    Raises:
        ValueError: too few requests to split.

    """
    config, training = config or FusionConfig(), training or TrainingConfig()
    fit, validation, held_out = rows.split_by_time(training.validation_share, training.held_out_share)
    if not len(fit) or not len(validation) or not len(held_out):
        raise ValueError(f"{rows.request_count} requests are too few to train, validate and report on.")
    keras.utils.set_random_seed(training.seed)
    trainer = _Trainer(build_fusion(table, config), training, fit, validation)
    if teacher is not None:
        trainer.listen_to(teacher)
    trainer.run(progress or (lambda *_: None))
    calibration = trainer.calibrate(validation)
    splits = {"train": fit, "validation": validation, "held_out": held_out}
    figures = {name: trainer.measure(part) for name, part in splits.items()}
    return TrainedFusion(trainer.model, calibration, trainer.examination, compare(figures))


def train_one_step(model: FusionModel, rows: ImpressionRows, training: TrainingConfig | None = None) -> float:
    """Moves a model's weights once, by a batch of all the rows, and answers the loss before the step.

    For models that are too large to be trained here for longer.
    """
    training = training or TrainingConfig()
    training = replace(training, batch_size=rows.request_count)
    return _Trainer(model, training, rows, rows).step_once()


class _Trainer:
    """The loop: one optimiser, one compiled step, the best weights so far."""

    def __init__(
        self, model: FusionModel, config: TrainingConfig, fit: ImpressionRows, validation: ImpressionRows
    ) -> None:
        self.model, self.config, self.fit, self.validation = model, config, fit, validation
        self.sampled = fit.log_q is not None
        self.examination = None if self.sampled else _first_examination(fit)
        self._taught: tuple[NDArray[np.float32], ...] = ()
        self._loss = sampled_softmax_loss if self.sampled else LOSSES[config.task]
        self._updates = Updates(model, config.learning_rate)
        self._replicas = Replicas()
        self._check_replicas()
        self._step = self._replicas.compiled(self._gradient_step)
        longest = max(int(np.diff(fit.offsets).max(initial=1)), 1)
        self._width = longest if self.sampled else min(config.width, longest)
        self._scorer = Scorer(model, self._width, 2 * config.batch_size)

    def listen_to(self, teacher: FusionModel) -> None:
        """Learn from a teacher's probabilities too."""
        scorer = Scorer(teacher, self._width, 2 * self.config.batch_size)
        self._taught = tuple(sigmoid(logits).astype(np.float32) for logits in scorer.logits(self.fit))

    def run(self, progress: Progress) -> None:
        """Passes over the data until the validation loss stops falling."""
        random = np.random.default_rng(self.config.seed)
        pieces = cut(self.fit, self._width)
        best, best_weights, worse = np.inf, self.model.get_weights(), 0
        for epoch in range(self.config.epochs):
            self._updates.set_learning_rate(self.config.learning_rate * self.config.learning_rate_decay**epoch)
            self._pass(pieces, random)
            if epoch == 0 and self.examination is not None and self.config.task != "purchase":
                self.examination = self._refined_examination()
            loss = self._validation_loss()
            progress(f"fusion, validation loss {loss:.4f}", epoch + 1, self.config.epochs)
            if loss < best - 1e-5:
                best, best_weights, worse = loss, self.model.get_weights(), 0
            else:
                worse += 1
                if worse >= self.config.patience:
                    break
        self.model.set_weights(best_weights)

    def step_once(self) -> float:
        """One step over all rows."""
        inputs, grid = next(batches(self.fit, cut(self.fit, self._width), self.config.batch_size, None))
        return float(self._step(inputs, self._labels(self.fit, grid, self._examined(self.fit))))

    def calibrate(self, rows: ImpressionRows) -> CalibrationFit:
        """Fits the calibration and sets it in the model's graph; without impressions it stays as it is."""
        if self.examination is None or self.config.task == "purchase":
            return CalibrationFit()
        click, conversion = self._scorer.logits(rows)
        examined = self._examined(rows).astype(np.float64)
        fit = fit_calibration(Observed(click, conversion, examined, rows.clicked, rows.purchased))
        self.model.calibration.scale.assign([fit.click_scale, fit.conversion_scale])
        self.model.calibration.shift.assign([fit.click_shift, fit.conversion_shift])
        return fit

    def measure(self, rows: ImpressionRows) -> dict[str, float]:
        """Figures of the calibrated model on a set of rows."""
        return figures_of(self.model, rows, self.examination, self._scorer)

    def _pass(self, pieces: Pieces, random: np.random.Generator) -> None:
        examined = self._examined(self.fit)
        for inputs, grid in batches(self.fit, pieces, self.config.batch_size, random):
            self._step(inputs, self._labels(self.fit, grid, examined))

    def _labels(
        self, rows: ImpressionRows, grid: NDArray[np.int64], examined: NDArray[np.float32]
    ) -> dict[str, NDArray[np.float32]]:
        real, safe = grid >= 0, np.maximum(grid, 0)
        labels = {
            "clicked": (rows.clicked[safe] & real).astype(np.float32),
            "purchased": (rows.purchased[safe] & real).astype(np.float32),
            "weight": real.astype(np.float32),
        }
        if rows.log_q is None:
            labels["examination"] = examined[safe]
        else:
            labels["log_q"] = rows.log_q[safe]
        if self._taught and rows is self.fit:
            labels["taught_click"], labels["taught_conversion"] = (taught[safe] for taught in self._taught)
        return labels

    def _gradient_step(self, inputs: dict[str, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = self.model(inputs, training=True)
            loss = self._loss(logits, labels)
            total = self._replicas.of_all(loss, counted(labels))
            if self._taught:
                total += self._replicas.of_all(distillation_loss(logits, labels), tf.reduce_sum(labels["weight"]))
            total += self._replicas.of_each(self._penalty(inputs))
        self._updates.apply(tape.gradient(total, self._updates.variables))
        return loss

    def _penalty(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        penalty = tf.add_n(self.model.losses) if self.model.losses else tf.constant(0.0)
        if self.model.config.sparse_ids and self.model.config.id_size:
            rows = (tf.reshape(inputs[name], [-1]) for name in ("candidate_rows", "history_rows"))
            penalty += self.model.items.own.penalty(tf.concat(list(rows), axis=0))
        return penalty

    def _check_replicas(self) -> None:
        if self._replicas.count > 1 and self.model.config.sparse_ids:
            raise ValueError("Own embeddings that are updated by rows (sparse_ids) are trained by one replica only.")
        if self.config.batch_size % self._replicas.count:
            batch, count = self.config.batch_size, self._replicas.count
            raise ValueError(f"A batch_size of {batch} cannot be dealt out to {count} replicas; choose a multiple.")

    def _validation_loss(self) -> float:
        rows, losses = self.validation, []
        examined = self._examined(rows)
        for inputs, grid in batches(rows, cut(rows, self._width), 2 * self.config.batch_size, None):
            labels = {name: tf.constant(each) for name, each in self._labels(rows, grid, examined).items()}
            losses.append((float(self._loss(self._scorer.of_batch(inputs), labels)), int((grid >= 0).sum())))
        return float(np.average([loss for loss, _ in losses], weights=[count for _, count in losses]))

    def _refined_examination(self) -> Examination:
        """The curves again, with the model's own relevance instead of a logistic regression's."""
        relevance = sigmoid(self._scorer.logits(self.fit)[0])
        return fit_examination_given_relevance(_slots(self.fit), relevance, self.fit.clicked)

    def _examined(self, rows: ImpressionRows) -> NDArray[np.float32]:
        return _examination_of(rows, self.examination)


def figures_of(
    model: Scoring, rows: ImpressionRows, examination: Examination | None, scorer: Scorer | None = None
) -> dict[str, float]:
    """Figures of a calibrated model on a set of rows, by name; see `report.measure`."""
    scores = Scores(*(scorer or Scorer(model)).probabilities(rows))
    return measure(scores, rows, _examination_of(rows, examination))


def _examination_of(rows: ImpressionRows, examination: Examination | None) -> NDArray[np.float32]:
    """`[N]` P(examined); 1 where nothing is known of it."""
    if examination is None:
        return np.ones(len(rows), np.float32)
    slots = _slots(rows)
    return examination.probability(slots.devices, slots.rows, slots.columns)


def _first_examination(rows: ImpressionRows) -> Examination:
    context = rows.context[rows.request_of_row]
    features = np.concatenate([rows.candidate_features, context], axis=1).astype(np.float64)
    return fit_examination(_slots(rows), features, rows.clicked)


def _slots(rows: ImpressionRows) -> Slots:
    return Slots(rows.devices[rows.request_of_row], rows.page_rows, rows.page_columns)
