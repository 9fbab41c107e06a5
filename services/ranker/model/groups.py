"""Groups of inputs that a score is explained by. No TensorFlow: the ranker names them, the model's graph sums them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.features import FEATURE_NAMES

GROUPS: Final = ("user_embedding", "history", "affinity", "exposure", "context", "price", "popularity", "stock_and_age")
"""Columns of the signature `explain`'s contributions, in order."""

FEATURES_OF: Final = {
    "affinity": ("brand_affinity", "category_affinity", "price_band_affinity"),
    "exposure": ("exposures", "own_recency"),
    "price": ("price_in_category", "discount"),
    "popularity": ("popularity_1d", "popularity_7d", "popularity_30d"),
    "stock_and_age": ("stock", "age"),
}
"""The candidate features of a group; the other groups are inputs of their own."""


def feature_groups() -> NDArray[np.float32]:
    """`[12, groups]`: 1 where a candidate feature belongs to a group."""
    belongs = np.zeros((len(FEATURE_NAMES), len(GROUPS)), np.float32)
    for group, names in FEATURES_OF.items():
        for name in names:
            belongs[FEATURE_NAMES.index(name), GROUPS.index(group)] = 1.0
    return belongs
