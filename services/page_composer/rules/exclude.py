"""Exclude: never show items."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.page_composer.arrays import Bools, Ints
from services.page_composer.item_index import ItemIndex
from services.page_composer.rules.item_filter import ItemFilter
from services.page_composer.rules.rule import Rule, effects


@dataclass(frozen=True)
class Exclude:
    """These items are never shown."""

    items: ItemFilter


def exclusions(rules: Sequence[Rule], index: ItemIndex, rows: Ints) -> list[tuple[str, Bools]]:
    """For each rule in force that excludes: its id and `[n]` which of the items in these rows it excludes."""
    return [(rule.rule_id, exclude.items.mask(index, rows)) for rule, exclude in effects(rules, Exclude)]
