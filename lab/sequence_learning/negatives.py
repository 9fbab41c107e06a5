"""Which items a step is compared with, and the loss that corrects for how they were drawn."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_NEVER = -1e9


@dataclass(frozen=True)
class Candidates:
    """Items that a whole step shares as negatives."""

    rows: NDArray[np.int32]
    """`[candidates]` item rows; one may stand there twice."""
    log_expected: NDArray[np.float32]
    """`[candidates]` logarithm of how often a draw holds that item, on average."""


class Draw:
    """Draws candidates: some uniformly, so that every item is pushed down now and then, some as targets are, so that
    what is popular, and hard to tell from the target, is met often.
    """

    def __init__(self, targets: NDArray[np.int32], item_count: int, uniform: int, popular: int) -> None:
        """Args:
        targets: `[n]` item rows of the training targets; at least one.
        item_count: of the catalogue; at most so many are drawn uniformly.
        uniform: candidates drawn without replacement from all items.
        popular: candidates drawn from the targets.

        """
        self._targets, self._item_count = targets, item_count
        self._uniform, self._popular = min(uniform, item_count), popular
        share = np.bincount(targets, minlength=item_count) / len(targets)
        expected = self._uniform / item_count + popular * share
        self._log_expected = np.log(np.maximum(expected, 1e-12)).astype(np.float32)

    def __call__(self, random: np.random.Generator) -> Candidates:
        """The candidates of a step."""
        uniform = random.choice(self._item_count, self._uniform, replace=False, shuffle=False)
        popular = self._targets[random.integers(len(self._targets), size=self._popular)]
        rows = np.concatenate([uniform, popular]).astype(np.int32)
        return Candidates(rows, self._log_expected[rows])


def sampled_softmax_losses(
    positives: tf.Tensor, negatives: tf.Tensor, accidental: tf.Tensor, log_expected: tf.Tensor
) -> tf.Tensor:
    """`[n]` −log of the target's share of `exp(score)` among all items, estimated from the candidates.

    A candidate stands for `1 / expected` items like it: its score is lowered by `log expected` (Bengio & Senécal 2008;
    Yi et al., RecSys 2019, eq. 3). The target itself is certain to be there, so it is not corrected, and where it was
    drawn as a candidate too it is left out. With every item a candidate once, this is the full softmax.

    Args:
        positives: `[n]` scores of the targets.
        negatives: `[n, candidates]` scores.
        accidental: `[n, candidates]` bool, true where the candidate is the target.
        log_expected: `[candidates]`.

    """
    corrected = tf.where(accidental, _NEVER, negatives - log_expected[None])
    logits = tf.concat([positives[:, None], corrected], axis=1)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.zeros_like(positives, tf.int32), logits)
