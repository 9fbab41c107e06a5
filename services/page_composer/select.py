"""Whole-page selection: shelves and items together, place by place from the top.

At each place every proposal is rated by an upper bound of what it would add to the page as it stands (candidates'
densities against exposures, both in descending order; a true bound because the objective is submodular). The next
shelf is drawn by those ratings and the shelf posterior, its slots are filled by lazy greedy, and swaps end it. See
the README for timings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools, Floats, Ints
from services.page_composer.draft import Draft, PlacedShelf
from services.page_composer.examination import Examination
from services.page_composer.explore import draw_shelf
from services.page_composer.fill import Filler, PinnedCandidate
from services.page_composer.greedy import Tally
from services.page_composer.ledger import PageLedger
from services.page_composer.objective import Objective
from services.page_composer.proposal import Proposal
from services.page_composer.swaps import improve
from services.page_composer.template import SHELF, Place
from services.page_composer.visit import Device
from services.page_composer.weighing import Weights

SWAPS_AT_MOST = 200
"""Bound on the time of the local search; it ends by itself long before."""


@dataclass(frozen=True)
class Assignment:
    """What is to be selected from, into what, and by what."""

    proposals: Sequence[Proposal]
    pools: Sequence[Ints]
    """For each proposal: its eligible candidates."""
    objective: Objective
    ledger: PageLedger
    places: Sequence[Place]
    promoted_rows: Mapping[int, int]
    """By number of the place: rows that a banner or coupon section takes."""
    device: Device
    examination: Examination
    weights: Weights
    shelf_logits: Mapping[str, float]
    pinned: Sequence[PinnedCandidate] = ()


def select(assignment: Assignment, generator: np.random.Generator) -> Draft:
    """Choose the page's shelves and items."""
    selection = _Selection(assignment, generator)
    row = 0
    for number, place in enumerate(assignment.places):
        if place.kind != SHELF:
            row += assignment.promoted_rows.get(number, 0)
            continue
        shelf = selection.place(number, place, row)
        if shelf is not None:
            row += place.rows_taken(len(shelf.slots))
    while improve(selection.draft, selection.tally, SWAPS_AT_MOST) and selection.complete():
        pass  # each turn raises the page's value, so that it ends
    return selection.draft


class _Selection:
    """The state of one selection."""

    def __init__(self, assignment: Assignment, generator: np.random.Generator) -> None:
        self._the = assignment
        self._generator = generator
        self.draft = Draft(assignment.objective, assignment.ledger)
        self.tally = Tally.of(assignment.objective)
        self._filler = Filler(assignment.ledger, self.tally, assignment.weights, generator)
        self._pools = distinct(assignment.pools, assignment.objective.worth, assignment.ledger)
        size = len(assignment.objective.worth)
        self._table = _padded(self._pools, size)
        self._free, self._rated = np.zeros(size + 1, np.bool_), np.zeros(size + 1)
        """`[n + 1]`; the last of each is what the table's padding looks at."""
        self._shelves = [proposal.shelf for proposal in assignment.proposals]
        self._prior = np.asarray([assignment.shelf_logits.get(shelf, 0.0) for shelf in self._shelves])
        self._left = {shelf: int(assignment.weights.shelf_sections_each) for shelf in self._shelves}
        self._open = np.ones(len(self._shelves), np.bool_)
        self._pins = list(assignment.pinned)
        for pin in self._pins:
            assignment.ledger.take(pin.position)

    def place(self, number: int, place: Place, row: int) -> PlacedShelf | None:
        """Draw and fill the section of one place; None when no proposal can fill it to the minimum."""
        exposures = self._exposures(place, row)
        densities = self._the.objective.densities(np.asarray(self.tally.mass))
        free = self._the.ledger.free()
        logits, counts = self._ratings(exposures, densities, free)
        allowed = self._allowed(place) & (counts >= place.minimum_fill)
        while allowed.any():
            drawn, probability = draw_shelf(logits, allowed, self._generator)
            shelf = PlacedShelf(self._the.proposals[drawn], place, number, row, self._pools[drawn], exposures)
            pins = [pin for pin in self._pins if self._is_for(pin, shelf.proposal.shelf)]
            self._filler.fill(shelf, free, densities, pins)
            if len(shelf.slots) >= place.minimum_fill:
                shelf.slots[0].propensity *= probability
                self._keep(shelf, drawn, pins)
                return shelf
            # Caps can make a section shorter than its bound: then it could not have been drawn.
            self._filler.empty(shelf)
            allowed[drawn] = False
        return None

    def complete(self) -> int:
        """Fill up sections that were short: an exchange elsewhere may have set free what they lacked. Returns how many
        slots were added.
        """
        return sum(self._filler.complete(shelf) for shelf in self.draft.shelves)

    def _exposures(self, place: Place, row: int) -> Floats:
        rows, columns = place.coordinates(place.capacity)
        return self._the.examination.probability(self._the.device, rows + row, columns)

    def _ratings(self, exposures: Floats, densities: Floats, free: Bools) -> tuple[Floats, Ints]:
        """For each proposal: the logit with which it is drawn, and how many slots it could fill."""
        size = len(densities)
        self._free[:size], self._rated[:size] = free, np.where(free, densities, 0.0)
        rated = self._rated.take(self._table)
        rated.sort(axis=1)
        best = rated[:, : -len(exposures) - 1 : -1]
        bounds = best @ np.sort(exposures)[::-1][: best.shape[1]]
        top = max(float(bounds.max(initial=0.0)), 1e-12)
        logits = self._the.weights.shelf_sharpness * np.log(np.maximum(bounds / top, 1e-6)) + self._prior
        counts = self._the.ledger.fillable(self._free.take(self._table), self._table)
        for pin in self._pins:
            counts = counts + np.asarray([self._is_for(pin, shelf) for shelf in self._shelves], np.int64)
        return np.asarray(logits, np.float64), counts

    def _allowed(self, place: Place) -> Bools:
        fitting = [self._left[each] > 0 and (not place.shelves or each in place.shelves) for each in self._shelves]
        return np.asarray(fitting, np.bool_) & self._open

    def _is_for(self, pin: PinnedCandidate, shelf: str) -> bool:
        return pin.shelf == shelf if pin.shelf else not self.draft.shelves

    def _keep(self, shelf: PlacedShelf, drawn: int, pins: Sequence[PinnedCandidate]) -> None:
        self.draft.shelves.append(shelf)
        self._open[drawn] = False
        self._left[shelf.proposal.shelf] -= 1
        self._pins = [pin for pin in self._pins if pin not in pins]


def distinct(pools: Sequence[Ints], worth: Floats, ledger: PageLedger) -> list[Ints]:
    """Each pool by descending worth with each product once: of a family, and of a near-duplicate cluster, the
    worthiest stays.
    """
    if not pools:
        return []
    positions = np.concatenate(pools).astype(np.int64)
    numbers = np.repeat(np.arange(len(pools)), [len(pool) for pool in pools])
    order = np.lexsort((-worth[positions], numbers))
    positions, numbers = positions[order], numbers[order]
    for codes in (ledger.families, ledger.clusters):
        keys = numbers * (int(codes.max(initial=0)) + 1) + codes[positions]
        kept = first_of_each(keys)
        positions, numbers = positions[kept], numbers[kept]
    return np.split(positions, np.searchsorted(numbers, np.arange(1, len(pools))))


def first_of_each(keys: Ints) -> Bools:
    """`[n]` whether each key, 0 or more, stands there for the first time."""
    places = np.arange(len(keys))
    first = np.full(int(keys.max(initial=-1)) + 1, len(keys))
    np.minimum.at(first, keys, places)
    return np.asarray(first[keys] == places, np.bool_)


def _padded(pools: Sequence[Ints], padding: int) -> Ints:
    """`[pools, longest]` positions."""
    table = np.full((len(pools), max((len(pool) for pool in pools), default=0)), padding, np.int64)
    for number, pool in enumerate(pools):
        table[number, : len(pool)] = pool
    return table
