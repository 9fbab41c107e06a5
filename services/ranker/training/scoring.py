"""Scores many requests at once with a fusion model, as training and evaluation need it."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.model.servable import Scoring
from services.ranker.training.batches import batches, cut
from services.ranker.training.rows import ImpressionRows


class Scorer:
    """A fusion model, compiled over pieces of requests: a hundred times faster than a call a request."""

    def __init__(self, model: Scoring, width: int = 24, batch_size: int = 192) -> None:
        self._model = model
        self._width = width
        self._batch_size = batch_size
        self._compiled = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)

    def of_batch(self, inputs: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Uncalibrated click and conversion logits of one batch, `[B, C]` each."""
        click, conversion = self._compiled(inputs)
        return click, conversion

    def logits(self, rows: ImpressionRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Uncalibrated click and conversion logits, `[N]` each."""
        answers = np.zeros((2, len(rows)))
        for inputs, grid in batches(rows, cut(rows, self._width), self._batch_size, None):
            real = grid >= 0
            for answer, logits in zip(answers, self.of_batch(inputs), strict=True):
                answer[grid[real]] = logits.numpy()[real]
        return answers[0], answers[1]

    def probabilities(self, rows: ImpressionRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated p_click_if_seen and p_purchase_if_seen, `[N]` each."""
        click, conversion = self.logits(rows)
        scale, shift = self._model.calibration.scale.numpy(), self._model.calibration.shift.numpy()
        clicked = sigmoid(scale[0] * click + shift[0])
        return clicked, clicked * sigmoid(scale[1] * conversion + shift[1])


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, without overflow."""
    answer: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
    return answer
