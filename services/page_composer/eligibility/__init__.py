"""What may be shown to this visitor: one filter a file, named by what it removes.

A filter module has `REASON`, the stable code of its removals; `removed(candidates, question)`, which answers `[n]` the
candidates to remove; and where some shelves are exempt, `EXEMPT_SHELVES`. Ordering is not the filters' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools
from services.page_composer.candidates import Candidates
from services.page_composer.item_index import ItemIndex
from services.page_composer.rules.rule import Rule
from services.page_composer.visit import Visit


@dataclass(frozen=True)
class Question:
    """Eligible for whom, by which facts and rules."""

    visit: Visit
    index: ItemIndex
    rules: Sequence[Rule]
    """In force for this visit."""
    assumed_age: int = 0
    """Years that a visitor is taken to have; contracts do not carry ages."""


@dataclass(frozen=True)
class Dropped:
    """An item that could have been shown and was not."""

    item_id: str
    reason: str
    rule_id: str = ""


def nothing(candidates: Candidates) -> Bools:
    """`[n]` no candidate."""
    return np.zeros(len(candidates), np.bool_)
