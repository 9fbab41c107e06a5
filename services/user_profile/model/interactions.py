"""A user's actions as the encoder's input: one module for training and serving (design: train and serve alike)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from services.user_profile.actions import Action

Norm = Literal["l1", "l2"]

DEFAULT_ACTION_WEIGHTS: Final[Mapping[int, float]] = {
    int(Action.VIEW): 1.0,
    int(Action.CLICK): 1.0,
    int(Action.FAVOURITE): 3.0,
    int(Action.CART): 4.0,
    int(Action.PURCHASE): 5.0,
    int(Action.RATE): 2.0,
    int(Action.REVIEW): 2.0,
    int(Action.COMMENT): 2.0,
    int(Action.LIKE): 2.5,
    int(Action.SHARE): 3.0,
}
"""Ordered by how much an action commits the user; the scale cancels out in the normalisation."""

_MAX_ACTION: Final = max(Action)


@dataclass(frozen=True)
class InteractionVector:
    """A sparse vector over the release's vocabulary."""

    rows: NDArray[np.int32]
    """`[k]` distinct vocabulary rows, ascending."""
    weights: NDArray[np.float32]
    """`[k]` positive weights; their norm is 1."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Weighting:
    """How actions become weights. Recorded in the release beside the encoder that was trained on it."""

    action_weights: Mapping[int, float] = field(default_factory=lambda: dict(DEFAULT_ACTION_WEIGHTS))
    """Action number → weight; actions that are absent do not count."""
    half_life_days: float = 30.0
    """An action this old counts half."""
    log_damped: bool = True
    """Whether log(1 + weight) stands for the sum of an item's weights, so that one item cannot drown the others."""
    norm: Norm = "l2"
    """The norm that is made 1: "l2" (Liang et al. 2018, section 4.3) or "l1"."""

    def __post_init__(self) -> None:
        """Checks the ranges once, so that the hot path need not."""
        if self.half_life_days <= 0:
            raise ValueError("half_life_days must be positive")
        if self.norm not in ("l1", "l2"):
            raise ValueError(f"norm must be l1 or l2, not {self.norm!r}")
        table = np.zeros(_MAX_ACTION + 1)
        for action, weight in self.action_weights.items():
            if not 0 <= action <= _MAX_ACTION or weight < 0:
                raise ValueError(f"action {action} cannot have the weight {weight}")
            table[action] = weight
        object.__setattr__(self, "_table", table)

    def discounted(
        self, actions: Sequence[int] | NDArray[Any], age_days: Sequence[float] | NDArray[Any]
    ) -> NDArray[np.float64]:
        """`[n]` weight of each action, halved by every half-life of its age; ages below 0 count as 0."""
        table: NDArray[np.float64] = self._table  # type: ignore[attr-defined]
        ages = np.maximum(np.asarray(age_days, np.float64), 0.0)
        return table[np.asarray(actions, np.intp)] * np.exp2(ages * (-1.0 / self.half_life_days))

    def vector(self, rows: NDArray[np.int32], weights: NDArray[np.float64]) -> InteractionVector:
        """Sums discounted weights by row, damps and normalises them. Rows below 0 and weights of 0 are left out."""
        counted = (weights > 0) & (rows >= 0)
        distinct, position = np.unique(rows[counted], return_inverse=True)
        summed = np.bincount(position, weights[counted], len(distinct))
        if self.log_damped:
            summed = np.log1p(summed)
        if len(summed):
            length = summed.sum() if self.norm == "l1" else np.sqrt(np.dot(summed, summed))
            summed = summed / length
        return InteractionVector(distinct.astype(np.int32), summed.astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "action_weights": {str(action): weight for action, weight in sorted(self.action_weights.items())},
            "half_life_days": self.half_life_days,
            "log_damped": self.log_damped,
            "norm": self.norm,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Weighting":
        """Reads the weighting of a release."""
        return cls(
            action_weights={int(action): float(weight) for action, weight in values["action_weights"].items()},
            half_life_days=float(values["half_life_days"]),
            log_damped=bool(values["log_damped"]),
            norm=values["norm"],
        )
