"""What a source's score is worth: P(click | examined) as a monotone map, from logged impressions.

Clicks divided by examination estimate the click probability without the position's share; isotonic regression (pool
adjacent violators) over the scores keeps the map from falling.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

KNOTS = 20
LEAST_IMPRESSIONS = 200


def fit_source_calibration(
    scores: NDArray[np.float32], clicked: NDArray[np.bool_], examined: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """`calibration_scores [k]` ascending and `calibration_p_click [k]`; nothing when there is too little to learn from.

    Args:
        scores: `[n]` the source's scores of impressions; rows it did not propose (−inf) are left out.
        clicked: `[n]`.
        examined: `[n]` P(examined) of the slot.

    """
    proposed = np.isfinite(scores)
    if proposed.sum() < LEAST_IMPRESSIONS:
        return {}
    scores, clicked, examined = scores[proposed], clicked[proposed], examined[proposed].astype(np.float64)
    # Weighted by examination, the mean of click / examination is clicks over examined impressions.
    fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fit.fit(scores, clicked / examined, sample_weight=examined)
    knots = np.unique(np.quantile(scores, np.linspace(0.0, 1.0, KNOTS)))
    return {
        "calibration_scores": knots.astype(np.float32),
        "calibration_p_click": np.clip(fit.predict(knots), 1e-5, 1.0).astype(np.float32),
    }
