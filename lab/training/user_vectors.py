"""Each person's interactions as the autoencoder reads them."""

import numpy as np

from lab.training.shop_data import DAY_US, EventColumns
from services.user_profile.model.interactions import InteractionVector, Weighting

LEAST_ITEMS = 2
"""People with fewer items teach an autoencoder nothing."""


def user_vectors(events: EventColumns, before_us: int, weighting: Weighting) -> list[InteractionVector]:
    """Interaction vectors as of a time, of people with at least two items."""
    chosen = np.flatnonzero((events.item >= 0) & (events.occurred_us < before_us))
    ages = (before_us - events.occurred_us[chosen]) / DAY_US
    weights = weighting.discounted(events.action[chosen], ages)
    kept = weights > 0
    chosen, weights = chosen[kept], weights[kept]
    order = np.argsort(events.subject[chosen], kind="stable")
    starts = np.flatnonzero(np.diff(events.subject[chosen][order], prepend=-1))
    vectors = [
        weighting.vector(events.item[chosen][part], weights[part]) for part in np.split(order, starts[1:]) if len(part)
    ]
    return [vector for vector in vectors if len(vector) >= LEAST_ITEMS]
