"""The written objective: what a page is worth.

    value(page) =   sum over slots s with candidate i of  examine(s) * worth(i)
                  + sum over facets f, values v of        weight(f) * h(mass(f, v))

    worth(i)    = boost(i) * fatigue(i) * (w_click * M * p_click(i) + w_purchase * margin'(i) * p_purchase(i))
    mass(f, v)  = sum of examine(s) over slots whose candidate has value v of facet f
    h(m)        = saturation * log(1 + m / saturation)          concave: what the page already shows is worth less again

M is the shop's mean margin and margin'(i) = M * (margin(i) / M) ** margin_exponent; values are in minor units of
the shop's currency. Facets are category, brand and colour; variants and near-duplicates are not a facet, they are
forbidden (ledger.py). Non-negative weights make the value monotone and submodular in the set of (candidate, slot)
pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.candidates import Candidates
from services.page_composer.item_index import ItemIndex
from services.page_composer.visit import Profile
from services.page_composer.weighing import Weights


@dataclass(frozen=True)
class Objective:
    """The objective of one page over its `n` candidates."""

    worth: Floats
    """`[n]` worth of an examined slot with the candidate."""
    codes: Ints
    """`[n, facets]` numbers of the candidates' facet values; no two facets share a number."""
    facet_weights: Floats
    """`[facets]`"""
    saturation: float

    @cached_property
    def value_count(self) -> int:
        """How many facet values there are in all."""
        return int(self.codes.max(initial=-1)) + 1

    def page_value(self, positions: Ints, exposures: Floats) -> float:
        """The value of a page that has these candidates in slots examined with these probabilities."""
        mass = np.zeros(self.value_count)
        np.add.at(mass, self.codes[positions], exposures[:, None])
        return float(exposures @ self.worth[positions] + self.value_weights @ self.covered(mass))

    @cached_property
    def value_weights(self) -> Floats:
        """`[values]` the weight of each value's facet."""
        weights = np.zeros(self.value_count)
        weights[self.codes] = self.facet_weights
        return weights

    def covered(self, mass: Floats) -> Floats:
        """h: what shown mass is worth, by unit of weight."""
        return self.saturation * np.log1p(mass / self.saturation)

    def densities(self, mass: Floats) -> Floats:
        """`[n]` what each candidate would add to a page with `[values]` mass, by unit of exposure and to the first
        order.

        Since h is concave this bounds from above what it adds in any slot, now and whenever the page shows more.
        """
        slope = self.value_weights * (self.saturation / (self.saturation + mass))
        density = self.worth.copy()
        for column in self._columns:
            density += slope.take(column)
        return density

    @cached_property
    def _columns(self) -> tuple[Ints, ...]:
        """The codes of each facet, each in one piece."""
        return tuple(np.ascontiguousarray(column) for column in self.codes.T)


def objective(candidates: Candidates, index: ItemIndex, profile: Profile, boost: Floats, weights: Weights) -> Objective:
    """Work out the objective for a visitor. Coverage weights count in mean worths of this page's candidates."""
    rows = candidates.rows
    mean_margin = index.mean_margin_minor
    margin = mean_margin * (index.margin_minor(rows) / mean_margin) ** weights.margin_exponent
    paid = weights.w_click * mean_margin * candidates.p_click + weights.w_purchase * margin * candidates.p_purchase
    worth = paid * boost * fatigue(rows, index, profile, weights)
    unit = float(worth.mean()) if len(worth) else 0.0
    facet_weights = unit * np.asarray([weights.coverage_category, weights.coverage_brand, weights.coverage_colour])
    return Objective(worth, _facet_codes(rows, index), facet_weights, weights.coverage_saturation)


def fatigue(rows: Ints, index: ItemIndex, profile: Profile, weights: Weights) -> Floats:
    """`[n]` share of its worth that a candidate keeps after having been shown again and again without a click."""
    factors = np.ones(len(rows))
    tired = _tired(profile, weights)
    if tired:
        shown = index.rows(tired)
        places = {row: place for place, row in enumerate(rows.tolist())}
        for row, factor in zip(shown.tolist(), tired.values(), strict=True):
            if row in places:
                factors[places[row]] = factor
    return factors


def _tired(profile: Profile, weights: Weights) -> Mapping[str, float]:
    seen = frozenset(profile.seen_item_ids)
    return {
        item_id: max(weights.fatigue_rate ** (count - weights.fatigue_free_impressions), weights.fatigue_floor)
        for item_id, count in profile.exposures.items()
        if count > weights.fatigue_free_impressions and item_id not in seen
    }


def _facet_codes(rows: Ints, index: ItemIndex) -> Ints:
    columns = []
    offset = 0
    for column in (index.category, index.brand, index.colour):
        codes = column[rows]
        columns.append(codes + offset)
        offset += int(codes.max(initial=-1)) + 1
    return np.stack(columns, axis=1)
