"""Boost: raise or lower the value of items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools, Floats, Ints
from services.page_composer.item_index import ItemIndex
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.rule import Rule, effects


@dataclass(frozen=True)
class Boost:
    """The value of these items is multiplied."""

    items: ItemFilter
    factor: float


@dataclass(frozen=True)
class Boosts:
    """All boosts in force, for `n` candidates."""

    factors: Floats
    """`[n]` product of the factors of each."""
    hands: tuple[tuple[str, Bools], ...]
    """For each rule: its id, and `[n]` the candidates it had a hand in."""

    def rule_ids(self, position: int) -> tuple[str, ...]:
        """The rules that had a hand in one candidate."""
        return tuple(rule_id for rule_id, mask in self.hands if mask[position])


def boosts(rules: Sequence[Rule], index: ItemIndex, rows: Ints) -> Boosts:
    """Work out the boosts of candidates in these rows."""
    factors = np.ones(len(rows))
    hands = []
    for rule, boost in effects(rules, Boost):
        mask = boost.items.mask(index, rows)
        factors[mask] *= boost.factor
        hands.append((rule.rule_id, mask))
    return Boosts(factors, tuple(hands))
