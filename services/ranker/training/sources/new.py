"""How fresh each item is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def train(age_days: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """`freshness [items]`: exp(-age / 30 days)."""
    return {"freshness": np.exp(-np.maximum(age_days, 0.0) / 30.0).astype(np.float32)}
