"""Each entry of a history with those near it, as sparse matrices: what models of order are made of."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lab.leaderboard.histories import Histories


def entry_items(histories: Histories) -> csr_matrix:
    """`[entries, items]` float32, 1 at the item of each entry."""
    entries = len(histories.rows)
    return _matrix(histories, np.arange(entries), histories.rows, np.ones(entries, np.float32))


def looking_back(histories: Histories, window: int, decay_steps: float) -> csr_matrix:
    """`[entries, items]` each entry's own item with 1, and the `window − 1` before it with exp(−distance / decay)."""
    later, earlier, distances = _pairs(histories, window, first=0)
    return _matrix(histories, later, histories.rows[earlier], _decayed(distances, decay_steps))


def looking_ahead(histories: Histories, window: int, decay_steps: float) -> csr_matrix:
    """`[entries, items]` the `window` items after each entry, the next with 1, exp(−1 / decay) less each further."""
    later, earlier, distances = _pairs(histories, window + 1, first=1)
    return _matrix(histories, earlier, histories.rows[later], _decayed(distances - 1, decay_steps))


def recency(histories: Histories, decay_steps: float) -> csr_matrix:
    """`[users, items]` float32 exp(−age / decay) of each user's items, the newest with 1."""
    weights = _decayed(histories.ages(), decay_steps)
    matrix = csr_matrix(
        (weights, histories.rows.copy(), histories.starts.copy()), shape=(len(histories), histories.item_count)
    )
    matrix.sum_duplicates()
    return matrix


def pairs(histories: Histories, window: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """For each distance below `window`: the entries that have an entry of the same user so many places before them."""
    places = np.arange(len(histories.rows)) - histories.starts[:-1][histories.owners()]
    for distance in range(window):
        later = np.flatnonzero(places >= distance)
        if not len(later):
            return
        yield distance, later


def _pairs(histories: Histories, window: int, first: int) -> tuple[NDArray[np.int64], ...]:
    found = [(later, later - distance, np.full(len(later), distance)) for distance, later in pairs(histories, window)]
    if not found[first:]:
        return (np.empty(0, np.int64),) * 3
    return tuple(np.concatenate(each) for each in zip(*found[first:], strict=True))


def _decayed(distances: NDArray[np.int64], decay_steps: float) -> NDArray[np.float32]:
    return np.exp(-distances / decay_steps).astype(np.float32)


def _matrix(
    histories: Histories, entries: NDArray[np.int64], rows: NDArray[np.int32], weights: NDArray[np.float32]
) -> csr_matrix:
    return csr_matrix((weights, (entries, rows)), shape=(len(histories.rows), histories.item_count))
