"""Probabilities against what happened, in bins: what a calibration plot is drawn from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
_Z = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


def reliability(said: NDArray[np.float64], happened: NDArray[np.bool_], bins: int = BINS) -> list[dict[str, Any]]:
    """`said` (mean probability), `happened` (share) with its 95 % interval and `count` of bins of equally many rows, by
    rising probability.

    The interval is Wilson's (JASA 1927, eq. 5): of single rows, which are not independent where users repeat.
    """
    order = np.argsort(said, kind="stable")
    found = []
    for rows in np.array_split(order, min(bins, len(order)) or 1):
        if len(rows):
            share, count = float(happened[rows].mean()), len(rows)
            low, high = _wilson(share, count)
            found.append(
                {
                    "said": round(float(said[rows].mean()), 6),
                    "happened": round(share, 6),
                    "low": round(low, 6),
                    "high": round(high, 6),
                    "count": count,
                }
            )
    return found


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Bounds of a share, within 0 and 1 also where nothing happened."""
    square = _Z**2 / count
    centre = (share + square / 2.0) / (1.0 + square)
    half = _Z / (1.0 + square) * np.sqrt(share * (1.0 - share) / count + square / (4.0 * count))
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)
