"""How popular each item is in the whole shop and in each segment, recent actions counting more."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.interactions import Interactions, action_weights


@dataclass(frozen=True)
class PopularConfig:
    """How popularity is counted."""

    half_life_days: float = 7.0
    """An action this old counts half."""
    least_actions: int = 200
    """Segments with fewer actions are left out."""


def train(interactions: Interactions, config: PopularConfig | None = None) -> dict[str, NDArray[Any]]:
    """`segments [s]` names, "all" first, and `popularity [s, items]`, each row a distribution."""
    config = config or PopularConfig()
    weights = action_weights(interactions.actions) * np.exp2(-interactions.age_days / config.half_life_days)
    everyone = np.ones(len(weights), np.bool_)
    names, members = ["all"], [everyone]
    for column in interactions.segments.T:
        for name in sorted(set(column.tolist()) - {""}):
            member = column == name
            if member.sum() >= config.least_actions:
                names.append(name)
                members.append(member)
    counts = [
        np.bincount(interactions.rows[member], weights[member], interactions.item_count) + 1e-6 for member in members
    ]
    popularity = np.stack([count / count.sum() for count in counts]).astype(np.float32)
    return {"segments": np.array(names, np.str_), "popularity": popularity}
