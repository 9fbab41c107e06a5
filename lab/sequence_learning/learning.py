"""The training loop: Adam over packed strips with shared negatives, averaged weights, early stopping."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import NothingToLearnError, Training
from lab.sequence_learning.adam import AveragingAdam
from lab.sequence_learning.augmentation import Augmentation
from lab.sequence_learning.model import SequenceModel
from lab.sequence_learning.negatives import Draw, sampled_softmax_losses
from lab.sequence_learning.network import Batch, SequenceNetwork
from lab.sequence_learning.packing import NOTHING, Strips, pack


@dataclass(frozen=True)
class LearningConfig:
    """How a network learns."""

    batch_strips: int = 24
    """Strips a step; a strip holds about as many targets as it is long."""
    least_steps: int = 20
    """Steps an epoch, at least: few histories are learned in smaller batches."""
    learning_rate: float = 3e-3
    """Of Adam, after warming up."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises from 0."""
    weight_decay: float = 0.0
    """Of all weights, decoupled from the gradient (Loshchilov & Hutter 2019), in units of the learning rate."""
    uniform_negatives: int = 768
    """Candidates a step that are drawn from all items."""
    popular_negatives: int = 256
    """Candidates a step that are drawn as targets are."""
    averaging: float = 0.99
    """Weights are scored as their running mean, in which a step's share falls by this factor a step; 0: as they are."""
    epochs: int = 40
    """Passes over the targets: at most, with a measure; exactly, without one and without `Training.epochs`."""
    measured_every: int = 2
    """Epochs between measures."""
    patience: int = 3
    """Measures without a better one, after which learning stops."""
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(left_out_share=0.15))


def learn(network: SequenceNetwork, histories: Histories, training: Training, config: LearningConfig) -> SequenceModel:
    """Train the network; with a measure, keep the weights of the best epoch.

    Raises:
        NothingToLearnError: nobody has two items, so nothing comes after anything.

    """
    if not (histories.sizes > 1).any():
        raise NothingToLearnError("no history has two items: there is nothing to learn an order from")
    learner = _Learner(network, histories, config, training.seed)
    if training.epochs is not None or training.measure is None:
        return _learn_for(learner, training, training.epochs or config.epochs)
    return _learn_until(learner, training, config)


def _learn_for(learner: "_Learner", training: Training, epochs: int) -> SequenceModel:
    for epoch in range(epochs):
        loss = learner.epoch()
        training.progress(f"loss {loss:.3f}", epoch + 1, epochs)
    learner.average()
    return SequenceModel(learner.network, epochs)


def _learn_until(learner: "_Learner", training: Training, config: LearningConfig) -> SequenceModel:
    """Epochs until the measure has not risen for `patience` times; the best weights come back."""
    assert training.measure is not None
    best, best_epoch, best_weights = -np.inf, 0, learner.network.get_weights()
    for epoch in range(1, config.epochs + 1):
        loss = learner.epoch()
        if epoch % config.measured_every == 0 or epoch == config.epochs:
            with learner.averaged():
                value = training.measure(SequenceModel(learner.network, epoch))
                if value > best:
                    best, best_epoch, best_weights = value, epoch, learner.network.get_weights()
            training.progress(f"loss {loss:.3f}, held out {value:.4f}", epoch, config.epochs)
            if epoch - best_epoch >= config.patience * config.measured_every:
                break
    learner.network.set_weights(best_weights)
    return SequenceModel(learner.network, best_epoch)


class _Learner:
    """One optimiser, one compiled step, the running mean of the weights."""

    def __init__(self, network: SequenceNetwork, histories: Histories, config: LearningConfig, seed: int) -> None:
        self.network, self._histories, self._config = network, histories, config
        self._random = np.random.default_rng(seed)
        self._draw = Draw(
            histories.rows[histories.ages() < histories.sizes[histories.owners()] - 1],
            network.item_count,
            config.uniform_negatives,
            config.popular_negatives,
        )
        self._variables = network.trainable_variables
        self._optimizer = AveragingAdam(self._variables)
        self._steps = 0
        self._compiled = tf.function(self._step)

    def epoch(self) -> float:
        """One pass over all targets in a new order; the mean loss of its steps."""
        changed = self._config.augmentation(self._histories, self._random)
        strips = pack(changed, self.network.config.length, self._random)
        size = min(self._config.batch_strips, max(len(strips) // self._config.least_steps, 1))
        order = self._random.permutation(len(strips))
        # The last batch is filled up from the first strips of the order: every step has the same shape.
        order = np.resize(order, -(-len(order) // size) * size)
        losses = [self._next(strips, order[start : start + size]) for start in range(0, len(order), size)]
        return float(np.mean([loss.numpy() for loss in losses])) if losses else 0.0

    def average(self) -> None:
        """The network gets the running mean of its weights."""
        if self._config.averaging:
            for variable, mean in zip(self._variables, self._optimizer.means, strict=True):
                variable.assign(mean)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network has its mean weights inside, and learns on from its own after."""
        own = self.network.get_weights()
        self.average()
        yield
        self.network.set_weights(own)

    def _next(self, strips: Strips, chosen: np.ndarray) -> tf.Tensor:
        self._steps += 1
        warm = min(1.0, self._steps / max(self._config.warmup_steps, 1))
        rate = self._config.learning_rate * warm
        # At first the mean is over few steps, else the first random weights would stay in it for long.
        kept = min(self._config.averaging, self._steps / (self._steps + 10.0))
        candidates = self._draw(self._random)
        return self._compiled(
            Batch.of(strips, chosen),
            tf.constant(strips.targets[chosen]),
            tf.constant(candidates.rows),
            tf.constant(candidates.log_expected),
            tf.constant([self._steps, rate, kept], tf.float32),
        )

    def _step(
        self, batch: Batch, targets: tf.Tensor, candidates: tf.Tensor, log_expected: tf.Tensor, pace: tf.Tensor
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self._loss(batch, tf.reshape(targets, [-1]), candidates, log_expected)
        gradients = tape.gradient(loss, [each.value for each in self._variables])
        number, rate, kept = tf.unstack(pace)
        self._optimizer.step(gradients, number, rate, self._config.weight_decay)
        if self._config.averaging:
            self._optimizer.average(kept)
        return loss

    def _loss(self, batch: Batch, targets: tf.Tensor, candidates: tf.Tensor, log_expected: tf.Tensor) -> tf.Tensor:
        """Mean over the targets that there are."""
        states = tf.reshape(self.network.states(batch, training=True), [-1, self.network.config.width])
        vectors = self.network.items(tf.concat([targets, candidates], axis=0))
        count = tf.shape(targets)[0]
        positives = tf.reduce_sum(states * vectors[:count], axis=1)
        negatives = tf.matmul(states, vectors[count:], transpose_b=True)
        losses = sampled_softmax_losses(positives, negatives, targets[:, None] == candidates[None], log_expected)
        real = tf.cast(targets != NOTHING, tf.float32)
        return tf.reduce_sum(losses * real) / tf.reduce_sum(real)
