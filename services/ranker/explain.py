"""What each group of inputs adds to a score.

The log-odds of a click are followed from "nothing known" to "everything known", one group at a time, once in this
order and once backwards; a group's contribution is the mean of its two steps. So the contributions add up to the whole
distance exactly (the efficiency property of Shapley values, of which this is the average over two orders).
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.ranker.model.features import FEATURE_NAMES
from services.ranker.model.signature import Tensors
from services.ranker.recommend import Predict

GROUPS: Final = ("user_embedding", "history", "affinity", "exposure", "context", "price", "popularity", "stock_and_age")
"""Groups of inputs, in the order they are added."""

_FEATURES_OF: Final = {
    "affinity": ("brand_affinity", "category_affinity", "price_band_affinity"),
    "exposure": ("exposures", "own_recency"),
    "price": ("price_in_category", "discount"),
    "popularity": ("popularity_1d", "popularity_7d", "popularity_30d"),
    "stock_and_age": ("stock", "age"),
}


@dataclass(frozen=True)
class Explanation:
    """Where a score comes from."""

    p_click_if_seen: float
    baseline_p_click_if_seen: float
    contributions: Sequence[tuple[str, float]]
    """(group, what it adds to the log-odds), strongest first."""


async def explain(tensors: Tensors, predict: Predict) -> Explanation:
    """Explain the score of the one candidate in `tensors`. Raises: DependencyDown when the model cannot be asked."""
    forward = [frozenset(GROUPS[:count]) for count in range(len(GROUPS) + 1)]
    backward = [frozenset(GROUPS[count:]) for count in range(len(GROUPS) + 1)]
    known = list(dict.fromkeys([*forward, *backward]))
    log_odds = await _log_odds_of(known, tensors, predict)
    contributions = [
        (
            group,
            (log_odds[forward[at + 1]] - log_odds[forward[at]] + log_odds[backward[at]] - log_odds[backward[at + 1]])
            / 2,
        )
        for at, group in enumerate(GROUPS)
    ]
    return Explanation(
        p_click_if_seen=_probability(log_odds[forward[-1]]),
        baseline_p_click_if_seen=_probability(log_odds[forward[0]]),
        contributions=sorted(contributions, key=lambda each: -abs(each[1])),
    )


def with_groups(tensors: Tensors, groups: frozenset[str]) -> Tensors:
    """The tensors with every group that is not in `groups` at its baseline: zeros, which is the mean for features."""
    kept = dict(tensors)
    if "user_embedding" not in groups:
        kept["user_embedding"] = np.zeros_like(tensors["user_embedding"])
    if "history" not in groups:
        kept["history_rows"] = np.full_like(tensors["history_rows"], -1)
        kept["history_actions"] = np.zeros_like(tensors["history_actions"])
        kept["history_age_days"] = np.zeros_like(tensors["history_age_days"])
    if "context" not in groups:
        kept["context"] = np.zeros_like(tensors["context"])
    features = tensors["candidate_features"].copy()
    for group, names in _FEATURES_OF.items():
        if group not in groups:
            features[:, [FEATURE_NAMES.index(name) for name in names]] = 0.0
    kept["candidate_features"] = features
    return kept


async def _log_odds_of(
    variants: Sequence[frozenset[str]], tensors: Tensors, predict: Predict
) -> dict[frozenset[str], float]:
    """Ask for all variants at once; the first failure ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_log_odds(tensors, groups, predict)) for groups in variants]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return dict(zip(variants, (task.result() for task in asked), strict=True))


async def _log_odds(tensors: Tensors, groups: frozenset[str], predict: Predict) -> float:
    answer = await predict(with_groups(tensors, groups))
    probability = min(max(float(answer.p_click_if_seen[0]), 1e-7), 1 - 1e-7)
    return math.log(probability / (1 - probability))


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
