"""What each group of inputs adds to a score: the answer of the model's signature `explain`, put in order.

The model's graph follows the log-odds of a click from "nothing known of the visitor" to "everything known" by
integrated gradients (`model/attribution.py`, ADR 0029); here the sums are named and what they leave is stated.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.ranker.model.groups import GROUPS
from services.ranker.model.signature import Tensors


@dataclass(frozen=True)
class Attribution:
    """What the model answered for one candidate."""

    log_odds: float
    """Of a click, calibrated."""
    baseline_log_odds: float
    """The same with every group at its baseline."""
    contributions: Sequence[float]
    """One for each of `GROUPS`, in their order."""


Ask = Callable[[Tensors], Awaitable[Attribution]]
"""From the signature's inputs for one candidate. Raises: DependencyDown; NotReady (EXPLANATION_NOT_EXPORTED)."""


@dataclass(frozen=True)
class Explanation:
    """Where a score comes from."""

    p_click_if_seen: float
    baseline_p_click_if_seen: float
    contributions: Sequence[tuple[str, float]]
    """(group, what it adds to the log-odds), strongest first."""
    unattributed_log_odds: float
    """What the contributions leave of the whole distance."""


async def explain(tensors: Tensors, ask: Ask) -> Explanation:
    """Explain the score of the one candidate in `tensors`. Raises: what `ask` raises."""
    answer = await ask(tensors)
    contributions = list(zip(GROUPS, answer.contributions, strict=True))
    return Explanation(
        p_click_if_seen=_probability(answer.log_odds),
        baseline_p_click_if_seen=_probability(answer.baseline_log_odds),
        contributions=sorted(contributions, key=lambda each: -abs(each[1])),
        unattributed_log_odds=answer.log_odds - answer.baseline_log_odds - math.fsum(answer.contributions),
    )


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
