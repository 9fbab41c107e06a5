"""What a catalogue's size left out of training, in sentences for the model card. The bounds themselves are in the
configurations they name, and hold for every shop: a small one does not reach them.
"""

import numpy as np

from lab.training.learning import TrainingOptions
from lab.training.sampled_rows import MOST_POSITIVES, RECENT_DAYS
from lab.training.shop_data import ShopData
from services.ranker.source import ACTION_WEIGHTS
from services.ranker.training.sources.als import AlsConfig
from services.ranker.training.sources.item_cf import ItemCfConfig


def bounds_reached(data: ShopData, options: TrainingOptions, calibrated: bool) -> list[str]:
    """One sentence a bound that this shop reached; empty for a small shop with pictures."""
    items, people = len(data.items), len(data.events.subjects)
    reached = []
    if items > options.autoencoder.most_items:
        reached.append(
            f"The user autoencoder reconstructs the {options.autoencoder.most_items:,} most used of {items:,} items; "
            "each of the others is read as the mean of its category, and the figures `users.*` leave them out."
        )
    if max(items, people) > AlsConfig().exact_rows:
        reached.append("Matrix factorisation goes by conjugate gradients, a few steps a sweep, instead of solving.")
    if items > ItemCfConfig().most_items_a_user:
        reached.append(
            f"Item neighbours count at most the {ItemCfConfig().most_items_a_user} heaviest items of a person."
        )
    actions = int((np.isin(data.events.action, list(ACTION_WEIGHTS)) & (data.events.item >= 0)).sum())
    if not calibrated and actions > MOST_POSITIVES:
        reached.append(
            f"The fusion model learnt from at most {MOST_POSITIVES:,} of {actions:,} actions: whole moments of people "
            f"(baskets), evenly from the last {RECENT_DAYS} days."
        )
    if not data.features.image.any():
        reached.append("No item has a picture: looks and near-duplicates say nothing here.")
    return reached
