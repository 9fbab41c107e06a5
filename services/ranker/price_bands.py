"""Price bands: how dear an item is among its like. Fitted at training, shipped in the release, used by all alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

BANDS: Final = ("1", "2", "3", "4", "5")
"""From the cheapest fifth of a department to the dearest."""

FEWEST_ITEMS: Final = 25
"""A department with fewer items is measured by the whole shop's prices."""


@dataclass(frozen=True)
class PriceBands:
    """Band edges by department (first level of the category path); "" holds the whole shop's."""

    edges_minor: Mapping[str, Sequence[float]]

    @classmethod
    def fit(cls, prices_minor: NDArray[np.int64], categories: Sequence[str]) -> Self:
        """Quintiles of the prices of each department."""
        departments = np.array([department(category) for category in categories], np.str_)
        edges = {"": _quintiles(prices_minor)}
        for name in sorted(set(departments.tolist()) - {""}):
            prices = prices_minor[departments == name]
            if len(prices) >= FEWEST_ITEMS:
                edges[name] = _quintiles(prices)
        return cls(edges)

    def band(self, price_minor: int, category: str) -> str:
        """The band of a price; "" when the price is unknown (0 or less)."""
        if price_minor <= 0:
            return ""
        edges = self.edges_minor.get(department(category), self.edges_minor[""])
        return BANDS[int(np.searchsorted(edges, price_minor, side="right"))]

    def to_json(self) -> dict[str, Any]:
        """What `price_bands.json` of a release holds."""
        return {"edges_minor": {name: list(edges) for name, edges in self.edges_minor.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls({name: tuple(edges) for name, edges in value["edges_minor"].items()})


def department(category: str) -> str:
    """The first level of a category path."""
    return category.partition("/")[0]


def _quintiles(prices_minor: NDArray[np.int64]) -> list[float]:
    known = prices_minor[prices_minor > 0]
    return np.quantile(known, (0.2, 0.4, 0.6, 0.8)).tolist() if len(known) else [0.0] * 4
