"""What simulated users like: a taste for departments, categories, colours, brands and a price level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.simulation.shelves import Shelves

# Strengths on the log-odds scale, chosen so that tastes show clearly in a few dozen clicks and nobody is a caricature.
DEPARTMENT_STRENGTH = 2.0
CATEGORY_STRENGTH = 0.9
COLOUR_STRENGTH = 0.8
BRAND_STRENGTH = 0.5
PRICE_STRENGTH = 0.5
ITEM_STRENGTH = 0.5
BASE_CLICK = -3.2
"""Log-odds of a click on an average item that was seen."""


@dataclass(frozen=True)
class Taste:
    """One user's liking of every item."""

    click_log_odds: NDArray[np.float64]
    """[items]"""
    buys: float
    """P(purchase | click) of this user on an average item."""
    visits_a_week: float
    device: str
    leaning: NDArray[np.float64]
    """[items], adds up to 1: what the user would look for."""


def draw_taste(shelves: Shelves, appeal: NDArray[np.float64], rng: np.random.Generator) -> Taste:
    """Draw one user. `appeal` [items] is what an item has for everybody."""
    log_odds = BASE_CLICK + ITEM_STRENGTH * appeal
    for column, strength in (
        (shelves.department, DEPARTMENT_STRENGTH),
        (shelves.category, CATEGORY_STRENGTH),
        (shelves.colour, COLOUR_STRENGTH),
        (shelves.brand, BRAND_STRENGTH),
    ):
        log_odds = log_odds + strength * _liking(column, rng)[column]
    level = rng.normal(0.0, 1.0)
    log_odds = log_odds - PRICE_STRENGTH * (shelves.log_price - level) ** 2 / 2
    weights = np.exp(log_odds - log_odds.max())
    device = str(rng.choice(["phone", "desktop", "tablet"], p=[0.55, 0.37, 0.08]))
    return Taste(
        click_log_odds=log_odds,
        buys=float(rng.beta(2.0, 14.0)),
        visits_a_week=float(rng.gamma(1.5, 1.2)) + 0.2,
        device=device,
        leaning=weights / weights.sum(),
    )


def _liking(column: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A centred liking for each value of a facet; nothing where there is only one value."""
    count = int(column.max()) + 1
    if count < 2:
        return np.zeros(count)
    drawn = rng.normal(0.0, 1.0, count)
    return np.asarray(drawn - drawn.mean(), np.float64)
