"""How a step's gradients move the weights."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from services.ranker.model.fusion import FusionModel

LEAST_ROOT = 1e-7


class Updates:
    """Adam; with `sparse_ids`, row-wise AdaGrad for the tables of own embeddings, which then move by touched rows.

    Adam's two averages decay with every step, so that it must move rows that no batch names; it would make a step as
    dear as the table is long, and take two more tables of memory.
    """

    def __init__(self, model: FusionModel, learning_rate: float) -> None:
        tables = model.items.own.shards if model.config.sparse_ids and model.config.id_size else []
        apart = {id(table) for table in tables}
        self._dense = [weight for weight in model.trainable_variables if id(weight) not in apart]
        self._tables = list(tables)
        self._adam = keras.optimizers.Adam(learning_rate)
        self._adam.build(self._dense)
        self._rows = RowwiseAdagrad(self._tables, learning_rate) if self._tables else None

    @property
    def variables(self) -> list[keras.Variable]:
        """What to take the gradient of, in the order `apply` wants it."""
        return [*self._dense, *self._tables]

    def set_learning_rate(self, learning_rate: float) -> None:
        """From the next step on."""
        self._adam.learning_rate = learning_rate
        if self._rows is not None:
            self._rows.learning_rate.assign(learning_rate)

    def apply(self, gradients: Sequence[tf.Tensor | tf.IndexedSlices]) -> None:
        """One step."""
        # Keras squares the rows of a sparse gradient one by one, also where several are of one row of the table: that
        # is not Adam, and with several replicas not the same twice.
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients[: len(self._dense)]]
        self._adam.apply_gradients(zip(dense, self._dense, strict=True))
        if self._rows is not None:
            self._rows.apply(gradients[len(self._dense) :])


class RowwiseAdagrad:
    """AdaGrad (Duchi et al. 2011) with one sum of squares a row, as in DLRM (Mudigere et al. 2022, section 4.1.4).

    `s_r += mean(g_r^2); row_r -= rate * g_r / sqrt(s_r)` for the rows of the gradient, and for no others.
    """

    def __init__(self, tables: Sequence[keras.Variable], learning_rate: float) -> None:
        self._tables = tables
        self._sums = [tf.Variable(tf.zeros([table.shape[0]]), trainable=False) for table in tables]
        self.learning_rate = tf.Variable(learning_rate, trainable=False, dtype=tf.float32)

    def apply(self, gradients: Sequence[tf.IndexedSlices]) -> None:
        """One step. A row that a gradient names more than once moves once, by the sum."""
        for table, sums, gradient in zip(self._tables, self._sums, gradients, strict=True):
            rows, place = tf.unique(gradient.indices)
            slope = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
            sums.scatter_add(tf.IndexedSlices(tf.reduce_mean(tf.square(slope), axis=1), rows))
            rate = self.learning_rate / (tf.sqrt(tf.gather(sums, rows)) + LEAST_ROOT)
            table.value.scatter_sub(tf.IndexedSlices(rate[:, None] * slope, rows))
