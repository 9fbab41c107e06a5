"""Local search: exchanges that raise the page's value, until there is none or the allowance is used up.

Two kinds of neighbour: a slot's candidate against one of its section's reserve, and two slots of a section against
each other. Pinned and explored slots stay as they are. Most neighbours are ruled out by their densities: taking the
place of x, y wins at most exposure * (density(y) - density(x)), because h is concave (facet values that both have
cancel on both sides).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np

from services.page_composer.arrays import Bools, Floats
from services.page_composer.draft import Draft, PlacedShelf, ShelfSlot
from services.page_composer.greedy import Tally

LEAST_GAIN = 0.02
"""In mean worths of an examined slot: an exchange that wins less is not worth its time. Over 60 pages of 30 random
pools all exchanges together won 0.25 % of a page's value, in 36 exchanges a page; those above this won 0.10 %, in
2.
"""


@dataclass(frozen=True)
class Swap:
    """An exchange and what it would add."""

    gain: float
    slot: int
    other: int
    """The other slot; −1 when the reserve's candidate `entering` comes in."""
    entering: int = -1


@dataclass(frozen=True)
class Standing:
    """What an exchange could win and what may come in, as the page stands: worked out after each exchange, looked up
    by each section.
    """

    density: Floats
    """`[n]` of each candidate."""
    free: Bools
    """`[n]` candidates that could be added."""

    @classmethod
    def of(cls, draft: Draft, tally: Tally) -> "Standing":
        """The standing of a page that is as its tally says."""
        return cls(draft.objective.densities(np.asarray(tally.mass)), draft.ledger.free())


@dataclass(frozen=True)
class Movable:
    """The `m` slots of a section that may be exchanged; the same ones for as long as the search lasts."""

    places: Sequence[int]
    exposures: Floats
    """`[m]`"""
    ahead: Floats
    """`[m, m]` by how much each slot is better seen than each other; 0 where it is not."""

    @classmethod
    def of(cls, shelf: PlacedShelf) -> "Movable":
        """The slots of a section that were neither put nor drawn there."""
        places = [place for place, slot in enumerate(shelf.slots) if not slot.fixed]
        exposures = shelf.exposures[places]
        return cls(places, exposures, np.maximum(exposures[:, None] - exposures, 0.0))


def improve(draft: Draft, tally: Tally, at_most: int, least_gain: float = LEAST_GAIN) -> int:
    """Apply the best swap of each section again and again; returns how many were applied."""
    worth = draft.objective.worth
    least = max(least_gain, 1e-9) * (float(worth.mean()) if len(worth) else 0.0)
    applied, quiet, turn = 0, 0, 0
    movable = [Movable.of(shelf) for shelf in draft.shelves]
    standing = Standing.of(draft, tally)
    while quiet < len(draft.shelves) and applied < at_most:
        number = turn % len(draft.shelves)
        shelf = draft.shelves[number]
        found = swaps(shelf, movable[number], standing, tally, least)
        swap = max(found, key=lambda each: each.gain, default=None)
        if swap is not None and swap.gain > least:
            _apply(swap, shelf, draft, tally)
            standing = Standing.of(draft, tally)
            applied, quiet = applied + 1, 0
        else:
            quiet, turn = quiet + 1, turn + 1
    return applied


def swaps(shelf: PlacedShelf, movable: Movable, standing: Standing, tally: Tally, least: float) -> Iterator[Swap]:
    """The exchanges within a section that could win more than `least`, with what they win (which may be less)."""
    places, exposures, slots = movable.places, movable.exposures, shelf.slots
    positions = np.array([slots[place].position for place in places], np.int64)
    reserve = shelf.pool[standing.free.take(shelf.pool)]
    held, waiting = standing.density.take(positions), standing.density.take(reserve)
    lost = held[:, None]
    for slot, other in _pairs(exposures[:, None] * (waiting - lost) > least):
        gain = moved_gain(tally, int(positions[slot]), int(reserve[other]), float(exposures[slot]))
        yield Swap(gain, places[slot], -1, int(reserve[other]))
    for slot, other in _pairs(movable.ahead * (held - lost) > least):
        gain = moved_gain(tally, int(positions[slot]), int(positions[other]), float(movable.ahead[slot, other]))
        yield Swap(gain, places[slot], places[other])


def _pairs(mask: Bools) -> Iterable[tuple[int, int]]:
    """Row and column of what is true."""
    rows, columns = mask.nonzero()
    return zip(rows.tolist(), columns.tolist(), strict=True)


def moved_gain(tally: Tally, loses: int, wins: int, exposure: float) -> float:
    """What the page wins when so much exposure goes from one candidate to another."""
    saturation, mass = tally.saturation, tally.mass
    gain = exposure * (tally.worth[wins] - tally.worth[loses])
    for out, into, scale in zip(tally.codes[loses], tally.codes[wins], tally.scales, strict=True):
        if out != into:
            won = log1p(exposure / (saturation + mass[into]))
            lost = log1p(exposure / (saturation + mass[out] - exposure))
            gain += scale * (won - lost)
    return gain


def _apply(swap: Swap, shelf: PlacedShelf, draft: Draft, tally: Tally) -> None:
    leaving = shelf.slots[swap.slot]
    if swap.other < 0:
        exposure = float(shelf.exposures[swap.slot])
        tally.show(leaving.position, -exposure)
        tally.show(swap.entering, exposure)
        draft.ledger.release(leaving.position)
        draft.ledger.take(swap.entering)
        shelf.slots[swap.slot] = ShelfSlot(swap.entering, leaving.origin, leaving.propensity)
        return
    other = shelf.slots[swap.other]
    more = float(np.subtract(shelf.exposures[swap.slot], shelf.exposures[swap.other]))
    tally.show(other.position, more)
    tally.show(leaving.position, -more)
    # Origin and propensity belong to the slot: they tell how the section was drawn, not which item stands there.
    shelf.slots[swap.slot] = ShelfSlot(other.position, leaving.origin, leaving.propensity)
    shelf.slots[swap.other] = ShelfSlot(leaving.position, other.origin, other.propensity)
