"""A trained sequence network as a model of the leaderboard."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.sequence_learning.network import Batch, SequenceNetwork
from lab.sequence_learning.packing import windows

_LENGTHS = (8, 16, 32)
"""A user is padded to the least of these that holds it, else to the network's length: by its own history alone."""
_AT_ONCE = 64
"""Users computed together. Blocks are filled up to it, so that nobody's sums are added up in another order."""


class SequenceModel:
    """Scores are dot products of a user's newest state with all items."""

    def __init__(self, network: SequenceNetwork, epochs: int) -> None:
        self.epochs = epochs
        """How many epochs it learned: what a run on more data, with nothing held out, should take."""
        self._network = network
        self._items = network.items(tf.range(network.item_count))

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]`; a user without items gets the scores of an empty history."""
        scores = np.empty((len(histories), self._network.item_count), np.float32)
        length = self._network.config.length
        lengths = np.array([*(each for each in _LENGTHS if each < length), length])
        padded = lengths[np.searchsorted(lengths[:-1], histories.sizes)]
        for each in lengths.tolist():
            users = np.flatnonzero(padded == each)
            for start in range(0, len(users), _AT_ONCE):
                block = users[start : start + _AT_ONCE]
                scores[block] = self._scores(histories.take(block), each)
        return scores

    def _scores(self, histories: Histories, length: int) -> NDArray[np.float32]:
        """Of at most `_AT_ONCE` users."""
        count = len(histories)
        filled = histories.take(np.resize(np.arange(count), _AT_ONCE))
        newest = np.clip(filled.sizes - 1, 0, length - 1).astype(np.int32)
        batch = Batch.of(windows(filled, length), slice(None))
        scores = self._network.scores(batch, tf.constant(newest), self._items)
        return np.asarray(scores.numpy()[:count], np.float32)
