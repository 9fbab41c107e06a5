"""Display data for what was selected, and the late check: what turned out to be sold out is refilled from the
reserve.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import numpy as np

from services.page_composer.arrays import Ints
from services.page_composer.draft import REFILLED, Draft, PlacedShelf, ShelfSlot
from services.page_composer.item_facts import ItemFacts
from services.page_composer.item_index import ItemIndex
from services.page_composer.page import Display
from services.page_composer.ports import LateCheck
from services.page_composer.wording import in_language

Check = Callable[[Mapping[str, int]], Awaitable[LateCheck]]
"""item id → revision that the index holds → what became of the items since. Raises: DependencyDown."""

SPARES_A_SHELF = 2
"""Best of each reserve, asked for together with the slots: most refills then need no second call."""


class Displays:
    """What is known of items for display: what the index holds, as far as the catalogue did not say otherwise."""

    def __init__(self, rows: Ints, index: ItemIndex, locale: str) -> None:
        self._index = index
        self._rows = rows
        self._locale = locale
        self._checked: set[int] = set()
        """Candidates that the catalogue was asked about."""
        self._otherwise: dict[int, Display | None] = {}
        """Of these, what is not as the index knows it; None where the item is gone."""
        self._from_index: dict[int, tuple[ItemFacts, Display]] = {}

    async def check(self, positions: Iterable[int], check: Check) -> None:
        """Ask about what was not asked yet, in one call; an item that the catalogue misses is gone. Raises:
        DependencyDown.
        """
        unasked = [position for position in dict.fromkeys(positions) if position not in self._checked]
        if not unasked:
            return
        # From the columns: most of them will not be shown, and need no facts put together.
        rows, known = self._rows[unasked], self._index.item_ids
        item_ids = [known[row] for row in rows.tolist()]
        found = await check(dict(zip(item_ids, self._index.revision[rows].tolist(), strict=True)))
        self._checked.update(unasked)
        if found.missing or found.changed:
            position_of = dict(zip(item_ids, unasked, strict=True))
            self._otherwise |= {position_of[item_id]: display for item_id, display in found.changed.items()}
            self._otherwise |= {position_of[item_id]: None for item_id in found.missing}

    def facts(self, position: int) -> ItemFacts:
        """The index's facts of a candidate."""
        return self._of_index(position)[0]

    def checked(self, position: int) -> bool:
        """Say whether the catalogue was asked about a candidate."""
        return position in self._checked

    def good(self, position: int) -> bool:
        """Say whether a candidate can stand on the page as far as is known."""
        display = self._otherwise[position] if position in self._otherwise else self._of_index(position)[1]
        return display is not None and display.complete

    def gone(self) -> list[int]:
        """Candidates of which the catalogue said that they cannot be shown."""
        return sorted(position for position in self._checked if not self.good(position))

    def of(self, position: int) -> Display:
        """What to show of a candidate that is good."""
        return self._otherwise.get(position) or self._of_index(position)[1]

    def _of_index(self, position: int) -> tuple[ItemFacts, Display]:
        known = self._from_index.get(position)
        if known is None:
            row, locale = int(self._rows[position]), self._locale
            known = self._index.shown(row, locale, lambda facts: display_of(facts, locale))
            self._from_index[position] = known
        return known


def display_of(facts: ItemFacts, locale: str) -> Display:
    """What the index alone can show of an item."""
    return Display(
        item_id=facts.item_id,
        title=in_language(facts.titles, locale),
        link=facts.link,
        price_minor=facts.price_minor,
        currency=facts.currency,
        list_price_minor=facts.list_price_minor,
        brand=facts.brand,
        category=facts.category,
        image_count=facts.image_count,
        image_etag=facts.image_etag,
        available=facts.stock != 0,
    )


async def hydrate(draft: Draft, displays: Displays, check: Check) -> None:
    """Ask about what the page shows, as far as it was not asked before, and refill what cannot be shown; a second,
    small call is made for refills that need it.

    Raises: DependencyDown when nothing can be asked; `displays` then shows what the index knows.
    """
    await displays.check([*_shown(draft), *_spares(draft)], check)
    refill(draft, displays)
    unchecked = [position for position in _shown(draft) if not displays.checked(position)]
    if unchecked:
        await displays.check([*unchecked, *_spares(draft)], check)
        refill(draft, displays)


def refill(draft: Draft, displays: Displays) -> int:
    """Replace every slot whose candidate cannot be shown by the best of its section's reserve that can, whole-page
    rules included; returns how many slots were affected.

    A section stays short only where its reserve is used up, and goes when it is below its minimum; what it held is then
    free for the others.
    """
    bad = [(shelf, slot) for shelf in draft.shelves for slot in shelf.slots if not displays.good(slot.position)]
    for _, slot in bad:
        draft.ledger.release(slot.position)
        draft.ledger.bar(slot.position)
    for shelf, slot in bad:
        place = shelf.slots.index(slot)
        shelf.slots[place : place + 1] = _refills(shelf, 1, draft, displays)
    while bad and (thin := [shelf for shelf in draft.shelves if len(shelf.slots) < shelf.place.minimum_fill]):
        _drop(thin[-1], draft)
        _complete(draft, displays)
    if bad:
        _complete(draft, displays)  # what stood for a sold-out item may free its variants for a section that was short
    return len(bad)


def _complete(draft: Draft, displays: Displays) -> None:
    """Fill every section that is short from its reserve."""
    for shelf in draft.shelves:
        shelf.slots += _refills(shelf, shelf.place.capacity - len(shelf.slots), draft, displays)


def _refills(shelf: PlacedShelf, at_most: int, draft: Draft, displays: Displays) -> list[ShelfSlot]:
    """Slots for a section from its reserve, taken from it."""
    slots: list[ShelfSlot] = []
    while len(slots) < at_most and (position := _replacement(shelf, draft, displays)) is not None:
        draft.ledger.take(position)
        slots.append(ShelfSlot(position, REFILLED))
    return slots


def _drop(shelf: PlacedShelf, draft: Draft) -> None:
    for slot in shelf.slots:
        draft.ledger.release(slot.position)
    draft.shelves.remove(shelf)


def _replacement(shelf: PlacedShelf, draft: Draft, displays: Displays) -> int | None:
    """The worthiest of the reserve that can be shown; what the catalogue has confirmed comes before what it was not
    asked about.
    """
    good = [position for position in shelf.reserve(draft.ledger).tolist() if displays.good(position)]
    return min(good, key=lambda position: not displays.checked(position), default=None)


def _shown(draft: Draft) -> list[int]:
    return [slot.position for shelf in draft.shelves for slot in shelf.slots]


def _spares(draft: Draft) -> list[int]:
    free = draft.ledger.free()
    spares = [shelf.pool[free[shelf.pool]][:SPARES_A_SHELF] for shelf in draft.shelves]
    return list(dict.fromkeys(np.concatenate(spares).tolist())) if spares else []
