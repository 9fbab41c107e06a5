"""Pin: put an item in a place."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.page_composer.rules.rule import Rule, effects


@dataclass(frozen=True)
class Pin:
    """An item's place. When the item is not eligible the slot is filled as usual."""

    item_id: str
    shelf: str = ""
    """Only in sections of this shelf; empty means the page's first shelf."""
    position: int = 0


@dataclass(frozen=True)
class Pinned:
    """A pin and the rule that set it."""

    pin: Pin
    rule_id: str


def pins(rules: Sequence[Rule]) -> list[Pinned]:
    """The pins among rules in force; of several for one place the first by rule id wins."""
    taken: dict[tuple[str, int], Pinned] = {}
    for rule, pin in effects(rules, Pin):
        taken.setdefault((pin.shelf, pin.position), Pinned(pin, rule.rule_id))
    return list(taken.values())
