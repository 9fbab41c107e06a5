"""Regional trends: a few products that a region suddenly wants, in the last two days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.calendar import DAY_MS, Calendar
from lab.boutique.catalogue import Catalogue
from lab.boutique.regions import REGION_COUNT

TREND_DAYS = 2
TREND_STRENGTH = 1.6
"""Added to the logit of P(click | seen) in the region."""
FAMILIES_A_REGION = 7


@dataclass(frozen=True)
class Trends:
    """What is in vogue where."""

    strength: NDArray[np.float64]
    """[items, regions] at the end."""
    first_day: int

    def on_day(self, day: int) -> NDArray[np.float64]:
        """[items, regions] on a day: nothing before the trend begins."""
        return self.strength if day >= self.first_day else np.zeros_like(self.strength)


def make_trends(catalogue: Catalogue, calendar: Calendar) -> Trends:
    """Trends among products that have been around for a while."""
    rng = np.random.default_rng(catalogue.families[0].seed)
    first_day = calendar.days - TREND_DAYS
    settled = np.flatnonzero(catalogue.created_ms < calendar.day_ms(first_day) - DAY_MS)
    strength = np.zeros((catalogue.count, REGION_COUNT))
    for region in range(REGION_COUNT):
        chosen = rng.choice(np.unique(catalogue.family[settled]), FAMILIES_A_REGION, replace=False)
        strength[np.isin(catalogue.family, chosen), region] = TREND_STRENGTH
    return Trends(strength, first_day)
