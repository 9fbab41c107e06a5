"""How popular each item was by the start of each day: what training knows of a past moment, and serving of now."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.preparation.integers import WINDOWS_DAYS
from lab.training.shop_data import DAY_US, EventColumns
from services.ranker.source import ACTION_WEIGHTS


@dataclass(frozen=True)
class Popularity:
    """Weighted actions in time order; what they add up to is counted for the day that is asked about."""

    days: NDArray[np.int64]
    """`[n]` days since the epoch, ascending."""
    items: NDArray[np.int32]
    """`[n]` item numbers."""
    weights: NDArray[np.float64]
    """`[n]` whole halves, so that sums are exact."""
    item_count: int

    @classmethod
    def of(cls, events: EventColumns, item_count: int) -> "Popularity":
        """Count the events of known items; impressions do not count."""
        weights = np.zeros(64)
        for action, weight in ACTION_WEIGHTS.items():
            weights[action] = weight
        counted = np.flatnonzero((events.item >= 0) & (weights[events.action] > 0))
        days = events.occurred_us[counted] // DAY_US
        order = np.argsort(days, kind="stable")
        counted = counted[order]
        return cls(days[order], events.item[counted], weights[events.action[counted]], item_count)

    def before(self, at_us: int) -> NDArray[np.float32]:
        """`[items, 3]` weighted actions of the last 1, 7 and 30 whole days before the day of `at_us`."""
        day = at_us // DAY_US
        return np.stack([self._between(day - window, day) for window in WINDOWS_DAYS], axis=1)

    def _between(self, first_day: int, end_day: int) -> NDArray[np.float32]:
        part = slice(*np.searchsorted(self.days, [first_day, end_day]).tolist())
        return np.bincount(self.items[part], self.weights[part], self.item_count).astype(np.float32)
