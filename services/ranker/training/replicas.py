"""Training on several replicas (processes, machines, GPUs) at once, by the `tf.distribute` strategy in scope.

Each replica takes a share of every batch; gradients are summed before the weights move, so that all replicas hold the
same weights, and the same ones as a single process would. Keras 3's `fit` fails under MultiWorkerMirroredStrategy;
`strategy.run` around a step of one's own works.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.model.signature import PER_REQUEST, Tensors

Step = Callable[[Tensors, Tensors], tf.Tensor]

_PER_PIECE = (*PER_REQUEST, "candidate_rows", "candidate_features")


class Replicas:
    """The replicas of the strategy in scope when this was made; one, and no difference, without a strategy."""

    def __init__(self) -> None:
        self._strategy = tf.distribute.get_strategy()
        self.count = int(self._strategy.num_replicas_in_sync)

    def compiled(self, step: Step) -> Callable[[Tensors, Tensors], Any]:
        """The step as one graph, run by every replica on its share."""
        if self.count == 1:
            alone: Callable[[Tensors, Tensors], Any] = tf.function(step, reduce_retracing=True)
            return alone
        run = self._strategy.run
        distributed = tf.function(lambda inputs, labels: run(step, args=(inputs, labels)), reduce_retracing=True)

        def shared(inputs: Tensors, labels: Tensors) -> Any:
            return distributed(self._shares(inputs, _PER_PIECE), self._shares(labels, tuple(labels)))

        return shared

    def of_all(self, loss: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
        """A replica's part of a mean over the whole batch; `counted` is what its own `loss` is the mean over.

        The parts' gradients add up to the gradient of the mean that one process would compute.
        """
        if self.count == 1:
            return loss
        everywhere = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, counted)
        return loss * counted / (everywhere + 1e-6)

    def of_each(self, loss: tf.Tensor) -> tf.Tensor:
        """A replica's part of a loss that is the same everywhere, such as a penalty on weights."""
        return loss / self.count if self.count > 1 else loss

    def _shares(self, tensors: Tensors, split: tuple[str, ...]) -> Any:
        """The rows of a batch dealt out by turns; tensors that are not `split` go to every replica."""

        def share(context: Any) -> dict[str, tf.Tensor]:
            replica = context.replica_id_in_sync_group
            return {
                name: tf.constant(_dealt(tensor, replica, self.count) if name in split else tensor)
                for name, tensor in tensors.items()
            }

        return self._strategy.experimental_distribute_values_from_function(share)


def _dealt(tensor: NDArray[Any], replica: int, count: int) -> NDArray[Any]:
    return np.ascontiguousarray(tensor[replica::count])
