"""The boutique's time: whole days in UTC up to midnight of the end date."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
HISTORY_DAYS = 56
"""Length of the event log: eight whole weeks."""

Times = NDArray[np.int64]  # milliseconds since 1970


@dataclass(frozen=True)
class Calendar:
    """The days of the event log; day 0 is the first, day `days` would begin at the end."""

    end: date
    days: int = HISTORY_DAYS

    @property
    def end_ms(self) -> int:
        """Midnight at which time ends."""
        return (self.end - date(1970, 1, 1)).days * DAY_MS

    def day_ms(self, day: int) -> int:
        """Midnight at which a day begins."""
        return self.end_ms - (self.days - day) * DAY_MS


def timestamps(times: Times) -> list[str]:
    """RFC 3339 in UTC with milliseconds."""
    moments = times.astype("datetime64[ms]")
    return [f"{moment}Z" for moment in np.datetime_as_string(moments, unit="ms").tolist()]
