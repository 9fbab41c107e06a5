"""Who the candidates are scored for, as plain values: what features and sources read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RecentAction:
    """One thing the user did to one item."""

    item_id: str
    action: int
    """Number of the Action enum; impressions are not actions."""
    age_days: float
    """How long before the request, 0 or more."""


@dataclass(frozen=True)
class Situation:
    """Where and when the visit happens."""

    device: int = 0
    """Number of the Device enum."""
    region: str = ""
    """ISO 3166-1 country or ISO 3166-2 subdivision; empty when unknown."""
    hour: float = 12.0
    """Hour of the day, 0 to 24 (UTC), with fraction."""
    weekday: int = 0
    """Monday is 0."""
    locale: str = ""
    """BCP 47 language tag."""
    referrer_kind: str = "direct"
    """One of `features.REFERRER_KINDS`; anything else counts as "other"."""


@dataclass(frozen=True)
class Visitor:
    """A user (or an anonymous visit) at the moment of a request."""

    user_embedding: NDArray[np.float32] | None = None
    """`[64] float32` z_u; None when anonymous."""
    recent_actions: tuple[RecentAction, ...] = ()
    """In any order."""
    affinities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By "brand", "category" and "price_band": value → weight, 0 or more."""
    exposures: Mapping[str, int] = field(default_factory=dict)
    """item_id → how often the user has been shown it."""
    situation: Situation = Situation()
