"""How popular each item was by the start of each day: what training knows of a past moment, and serving of now."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.training.shop_data import DAY_US, EventColumns
from services.ranker.source import ACTION_WEIGHTS

WINDOWS_DAYS = (1, 7, 30)


@dataclass(frozen=True)
class Popularity:
    """Cumulative weighted actions by day."""

    first_day: int
    """Days since the epoch of the first column."""
    cumulative: NDArray[np.float32]
    """`[days + 1, items]`: entry d is everything before day `first_day + d`."""

    @classmethod
    def of(cls, events: EventColumns, item_count: int) -> "Popularity":
        """Count the events of known items; impressions do not count."""
        weights = np.zeros(64, np.float32)
        for action, weight in ACTION_WEIGHTS.items():
            weights[action] = weight
        counted = np.flatnonzero((events.item >= 0) & (weights[events.action] > 0))
        days = events.occurred_us[counted] // DAY_US
        first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
        daily = np.zeros((last - first + 2, item_count), np.float32)
        np.add.at(daily, (days - first + 1, events.item[counted]), weights[events.action[counted]])
        return cls(first, daily.cumsum(axis=0, dtype=np.float32))

    def before(self, at_us: int) -> NDArray[np.float32]:
        """`[items, 3]` weighted actions of the last 1, 7 and 30 whole days before the day of `at_us`."""
        day = at_us // DAY_US - self.first_day
        end = self._until(day)
        return np.stack([end - self._until(day - window) for window in WINDOWS_DAYS], axis=1)

    def _until(self, day: int) -> NDArray[np.float32]:
        until: NDArray[np.float32] = self.cumulative[int(np.clip(day, 0, len(self.cumulative) - 1))]
        return until
