"""How fast something grows: the slope of a line through noisy samples, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

LEAST_SAMPLES = 5


@dataclass(frozen=True)
class Slope:
    """A slope with its 95 % interval, in units a minute."""

    a_minute: float
    low: float
    high: float

    def grows(self, tolerated: float) -> bool:
        """Say whether it grows faster than is tolerated, beyond what the noise of the samples explains."""
        return self.low > tolerated

    def as_list(self) -> list[float]:
        """Slope, low, high, rounded."""
        return [round(value, 4) for value in (self.a_minute, self.low, self.high)]


def slope(seconds: Sequence[float], values: Sequence[float], after_s: float = 0.0) -> Slope | None:
    """Slope of the samples from `after_s` on; None when there are too few.

    The median of the slopes of all pairs (Theil 1950, Sen 1968) with Sen's interval: a garbage collection or a batch
    that happens to be in flight moves it little. Samples that follow each other are alike, so the interval is
    rather too narrow than too wide.
    """
    times, heights = np.asarray(seconds), np.asarray(values)
    chosen = times >= after_s
    if int(chosen.sum()) < LEAST_SAMPLES:
        return None
    found = theilslopes(heights[chosen], times[chosen] / 60.0, 0.95)
    return Slope(float(found.slope), float(found.low_slope), float(found.high_slope))
