"""Which position of the catalogue is which row of a release's vocabulary."""

import numpy as np
from numpy.typing import NDArray

from services.ranker.catalogue import Catalogue
from services.ranker.vocabulary import Vocabulary


class RowMap:
    """Ties the positions of one catalogue to the rows of one release; grows with the catalogue."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._row_of_position = np.zeros(0, np.int32)
        self._position_of_row = np.full(len(vocabulary), -1, np.int64)
        self._fresh = np.zeros(0, np.int64)
        self._unplaced = len(vocabulary)

    def update(self, catalogue: Catalogue) -> None:
        """Take in positions that are new since the last time."""
        known = len(self._row_of_position)
        if known == len(catalogue):
            return
        rows = self._vocabulary.rows(catalogue.item_ids[known:])
        positions = np.arange(known, len(catalogue))
        self._position_of_row[rows[rows >= 0]] = positions[rows >= 0]
        self._row_of_position = np.concatenate([self._row_of_position, rows])
        self._unplaced -= int((rows >= 0).sum())
        self._fresh = np.concatenate([self._fresh, positions[rows < 0]])

    @property
    def complete(self) -> bool:
        """Whether every row has a position."""
        return self._unplaced == 0

    def rows(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """`[n]` rows of positions, −1 for items newer than the release."""
        return self._row_of_position[positions]

    def positions(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """`[n]` positions of rows, −1 for items that the catalogue does not have."""
        return self._position_of_row[rows]

    def rows_allowed(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`[vocabulary]` a mask over positions as a mask over rows."""
        place = self._position_of_row
        return allowed[place] & (place >= 0) if len(allowed) else np.zeros(len(place), np.bool_)

    def fresh_positions(self) -> NDArray[np.int64]:
        """`[k]` positions of the items that the release does not know, deleted ones included."""
        return self._fresh
