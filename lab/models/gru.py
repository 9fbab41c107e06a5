"""A recurrent network reads a user's items in order (Hidasi et al., "Session-based Recommendations with Recurrent
Neural Networks", ICLR 2016; negatives as in Hidasi & Karatzoglou, CIKM 2018); GRU, or LSTM by configuration.
"""

from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training
from lab.sequence_learning.learning import LearningConfig, learn
from lab.sequence_learning.model import SequenceModel
from lab.sequence_learning.network import Batch, NetworkConfig, SequenceNetwork

USES_ORDER = True
_CELLS = {"gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}


@dataclass(frozen=True)
class Config:
    """The recurrent network and how it learns."""

    cell: str = "gru"
    """`gru` or `lstm`."""
    dropout: float = 0.2
    """Of the states before the last layer."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)


def train(histories: Histories, training: Training, config: Config) -> SequenceModel:
    """Train it; `epochs` of the result is what a run on more data should take.

    Raises:
        ValueError: no history has two items; there is no such cell.

    """
    if config.cell not in _CELLS:
        raise ValueError(f"cell must be {' or '.join(_CELLS)}, not {config.cell!r}")
    keras.utils.set_random_seed(training.seed)
    network = SequenceNetwork(histories.item_count, config.network, Recurrent(config), training.attributes)
    return learn(network, histories, training, config.learning)


class Recurrent(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """One recurrent layer that forgets where a piece begins, and a dense one."""

    def __init__(self, config: Config) -> None:
        super().__init__(name=config.cell)
        width = config.network.width
        self.run = keras.layers.RNN(_Forgetting(_CELLS[config.cell](width)), return_sequences=True, name="run")
        self.drop = keras.layers.Dropout(config.dropout, name="drop")
        self.project = keras.layers.Dense(width, name="project")

    def call(self, vectors: tf.Tensor, batch: Batch, training: bool = False) -> tf.Tensor:
        """`[B, L, W]` → `[B, L, W]`."""
        goes_on = tf.cast(batch.places > 0, tf.float32)[:, :, None]
        states = self.run(tf.concat([goes_on, vectors], axis=2))
        return self.project(self.drop(states, training=training))


class _Forgetting(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A cell whose first input says whether what it remembers is of the same piece (1) or is forgotten (0)."""

    def __init__(self, cell: Any) -> None:
        super().__init__(name="forgetting")
        self.cell = cell
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def build(self, shape: Any) -> None:
        """Builds the cell inside."""
        self.cell.build((*shape[:-1], shape[-1] - 1))

    def call(self, inputs: tf.Tensor, states: Any, training: bool = False) -> Any:
        """`[B, 1 + W]` → output and new states."""
        goes_on, vectors = inputs[:, :1], inputs[:, 1:]
        return self.cell(vectors, [state * goes_on for state in states], training=training)
