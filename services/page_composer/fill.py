"""Filling one section: pins where they belong, then greedily slot by slot, then a draw for each exploration slot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.page_composer.arrays import Bools, Floats
from services.page_composer.draft import EXPLORED, PINNED, SELECTED, PlacedShelf, ShelfSlot
from services.page_composer.explore import draw_item
from services.page_composer.greedy import LazyPool, Tally
from services.page_composer.ledger import PageLedger
from services.page_composer.weighing import Weights


@dataclass(frozen=True)
class PinnedCandidate:
    """An eligible candidate that a rule put in a place."""

    position: int
    """In the page's candidates. The ledger holds it from the start, so that no other section takes it."""
    shelf: str
    """Sections of which shelf it is for; empty for the page's first."""
    place: int
    """Position in the section, from 0."""
    rule_id: str


@dataclass
class Filler:
    """Fills sections of one page, one after the other."""

    ledger: PageLedger
    tally: Tally
    weights: Weights
    generator: np.random.Generator

    def fill(self, shelf: PlacedShelf, free: Bools, densities: Floats, pinned: Sequence[PinnedCandidate]) -> None:
        """Fill a section's slots up to its capacity, as far as its pool goes: with candidates of `[n]` free ones, whose
        densities have `[n]` bounds.
        """
        candidates = shelf.pool[free[shelf.pool]]
        pool = LazyPool.of(self.tally, candidates.tolist(), densities[candidates].tolist())
        exposures = shelf.exposures.tolist()
        count = min(shelf.place.capacity, len(pinned) + len(pool))
        slots: list[ShelfSlot | None] = [None] * count
        for pin in pinned[:count]:
            wanted = (*range(min(pin.place, count - 1), count), *range(count))
            place = next(each for each in wanted if slots[each] is None)
            slots[place] = ShelfSlot(pin.position, PINNED, rule_ids=(pin.rule_id,))
            self.tally.show(pin.position, exposures[place])
        open_places = [place for place in range(count) if slots[place] is None]
        exploring = exploration_places(shelf, open_places, len(pool))
        for place in open_places:
            if place not in exploring:
                slots[place] = self._best(pool, exposures[place], shelf)
        for place in exploring:
            slots[place] = self._drawn(pool, exposures[place], shelf)
        self._close_ranks(shelf, slots, exposures)

    def complete(self, shelf: PlacedShelf) -> int:
        """Append the best of a section's reserve until it is full or the reserve is used up; returns how many."""
        before = len(shelf.slots)
        for exposure in shelf.exposures[len(shelf.slots) : shelf.place.capacity].tolist():
            reserve = shelf.reserve(self.ledger).tolist()
            if not reserve:
                break
            best = max(reserve, key=lambda position: self.tally.gain(position, exposure))
            self.ledger.take(best)
            self.tally.show(best, exposure)
            shelf.slots.append(ShelfSlot(best, SELECTED))
        return len(shelf.slots) - before

    def empty(self, shelf: PlacedShelf) -> None:
        """Take a section's candidates off the page again; pinned ones stay held for where they belong."""
        for slot, exposure in zip(shelf.slots, shelf.exposures.tolist(), strict=False):
            self.tally.show(slot.position, -exposure)
            if slot.origin != PINNED:
                self.ledger.release(slot.position)
        shelf.slots = []

    def _best(self, pool: LazyPool, exposure: float, shelf: PlacedShelf) -> ShelfSlot | None:
        position = pool.take_best(exposure)
        if position is None:
            return None
        self._take(position, exposure, pool, shelf)
        return ShelfSlot(position, SELECTED)

    def _drawn(self, pool: LazyPool, exposure: float, shelf: PlacedShelf) -> ShelfSlot | None:
        reserve = sorted(pool)
        if not reserve:
            return None
        gains = np.asarray([self.tally.gain(position, exposure) for position in reserve])
        drawn, probability = draw_item(gains, self.weights, self.generator)
        pool.keep(frozenset(reserve) - {reserve[drawn]})
        self._take(reserve[drawn], exposure, pool, shelf)
        return ShelfSlot(reserve[drawn], EXPLORED, probability)

    def _take(self, position: int, exposure: float, pool: LazyPool, shelf: PlacedShelf) -> None:
        self.ledger.take(position)
        self.tally.show(position, exposure)
        # A pool holds each product once, so taking one forbids no other of it, but for caps.
        if self.ledger.limits:
            pool.keep(frozenset(shelf.pool[self.ledger.free(shelf.pool)].tolist()))

    def _close_ranks(self, shelf: PlacedShelf, slots: Sequence[ShelfSlot | None], exposures: list[float]) -> None:
        """Where caps stopped the filling early, later slots move up, and are counted with the exposures they then
        have.
        """
        shelf.slots = [slot for slot in slots if slot is not None]
        if len(shelf.slots) < len(slots):
            for place, slot in enumerate(slots):
                if slot is not None:
                    self.tally.show(slot.position, -exposures[place])
            for place, slot in enumerate(shelf.slots):
                self.tally.show(slot.position, exposures[place])


def exploration_places(shelf: PlacedShelf, open_places: Sequence[int], free_count: int) -> list[int]:
    """The slots to explore in: the last ones seen without scrolling, and none unless a reserve is left to draw from."""
    if free_count <= len(open_places):
        return []
    visible = [place for place in open_places if place < shelf.place.visible]
    return visible[len(visible) - min(shelf.place.exploration_count, len(visible)) :]
