"""A large catalogue counted and put in order, as of one moment; what has changed since is listed beside it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from services.page_composer.arrays import Bools, Floats, Ints

LARGE = 50_000
"""Catalogues with more items are not gone through for every page."""
RECENT_AT_MOST = 2_000
"""Of a large catalogue, so many of the latest arrivals, price drops and so on are looked at."""


@dataclass(frozen=True)
class Latest:
    """Items to which something has happened, the latest first."""

    rows: Ints
    moments_s: Floats
    """`[n]` descending."""

    @classmethod
    def of(cls, moments_s: Floats, available: Bools) -> Self:
        """Order `[size]` moments; 0 means that it never happened."""
        rows = np.flatnonzero((moments_s > 0.0) & available)
        rows = rows[np.argsort(-moments_s[rows], kind="stable")]
        return cls(rows, moments_s[rows])

    def since(self, moment_s: float) -> Ints:
        """The rows of a moment or later."""
        return self.rows[: int(np.searchsorted(-self.moments_s, -moment_s, side="right"))]


@dataclass(frozen=True)
class Census:
    """Of the items that could be bought at the time."""

    latest: dict[str, Latest]
    """By column of the index: created_s, restocked_s, price_dropped_s."""
    by_category: Ints
    """`[categories]` how many there were of each."""
    mean_margin_minor: float
    usual_margin_ratio: float
