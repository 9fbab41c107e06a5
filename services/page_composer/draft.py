"""A page in the making: placed shelves with their slots and reserves, over one set of candidates."""

from dataclasses import dataclass, field

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import Objective
from services.page_composer.proposal import Proposal
from services.page_composer.template import Place

SELECTED = "selected"
EXPLORED = "explored"
PINNED = "pinned"
REFILLED = "refilled"
STATIC = "static"


@dataclass
class ShelfSlot:
    """A candidate in its slot, and how it came there."""

    position: int
    """In the page's candidates."""
    origin: str = SELECTED
    propensity: float = 1.0
    """Probability with which it came here given the page before it; 1 when deterministic."""
    rule_ids: tuple[str, ...] = ()

    @property
    def fixed(self) -> bool:
        """True when the objective may not exchange it: it was put or drawn here."""
        return self.origin in (PINNED, EXPLORED)


@dataclass(eq=False)
class PlacedShelf:
    """A shelf on the page."""

    proposal: Proposal
    place: Place
    number: int
    """Of its place in the template."""
    row: int
    """First row of the page that it takes."""
    pool: Ints
    """`[m]` its eligible candidates, each product once, best first. What is not in a slot is its reserve."""
    exposures: Floats
    """`[capacity]` P(examined) of its slots."""
    slots: list[ShelfSlot] = field(default_factory=list)

    def positions(self) -> Ints:
        """`[slots]` the candidates in its slots."""
        return np.fromiter((slot.position for slot in self.slots), np.int64, len(self.slots))

    def reserve(self, ledger: PageLedger) -> Ints:
        """Candidates of the pool that could still be added to the page, best first."""
        return self.pool[ledger.free(self.pool)]


@dataclass
class Draft:
    """The shelves of a page, the constraints they keep and the objective they are chosen by."""

    objective: Objective
    ledger: PageLedger
    shelves: list[PlacedShelf] = field(default_factory=list)

    def value(self) -> float:
        """The page's value by the written objective."""
        positions = [shelf.positions() for shelf in self.shelves]
        exposures = [shelf.exposures[: len(shelf.slots)] for shelf in self.shelves]
        if not positions:
            return 0.0
        return self.objective.page_value(np.concatenate(positions), np.concatenate(exposures))
