"""What happens to prices and stock while the log is written. A plan made beforehand: behaviour follows it."""

from dataclasses import dataclass

import numpy as np

from lab.boutique.calendar import DAY_MS, Calendar
from lab.boutique.catalogue import Catalogue, Column


@dataclass(frozen=True)
class Offer:
    """Prices and stock of every item at one moment."""

    price_minor: Column
    list_price_minor: Column
    stock: Column


@dataclass(frozen=True)
class Change:
    """A new offer for some items, made in the last hour before `day` begins."""

    day: int
    items: tuple[int, ...]
    price_ratio: float | None = None
    """New price as a share of the old one; below 1 the list price stays, above 1 it follows."""
    stock: int | None = None


@dataclass(frozen=True)
class Plan:
    """The first offer and all changes, in order of day."""

    first: Offer
    changes: tuple[Change, ...]

    def offers(self, days: int) -> list[Offer]:
        """The offer on each day; one more than `days`, the last being the state at the end."""
        offer, offers, pending = self.first, [], list(self.changes)
        for day in range(days + 1):
            while pending and pending[0].day <= day:
                offer = applied(offer, pending.pop(0))
            offers.append(offer)
        return offers


def applied(offer: Offer, change: Change) -> Offer:
    """The offer after a change."""
    items = list(change.items)
    price, list_price, stock = offer.price_minor.copy(), offer.list_price_minor.copy(), offer.stock.copy()
    if change.price_ratio is not None:
        price[items] = np.maximum(90, np.round(price[items] * change.price_ratio / 10) * 10)
        list_price[items] = np.maximum(list_price[items], price[items])
    if change.stock is not None:
        stock[items] = change.stock
    return Offer(price, list_price, stock)


def make_plan(catalogue: Catalogue, calendar: Calendar, rng: np.random.Generator) -> Plan:
    """Deals from the start, price changes by family, sold-out and restocked items."""
    price = np.array([family.price_minor for family in catalogue.families])[catalogue.family]
    dealt = (rng.random(len(catalogue.families)) < 0.08)[catalogue.family]
    list_price = np.where(dealt, np.round(price * rng.uniform(1.15, 1.5, len(price)) / 100) * 100, price)
    stock = np.where(rng.random(len(price)) < 0.06, rng.integers(1, 5, len(price)), rng.integers(8, 240, len(price)))
    changes = _price_changes(catalogue, calendar, rng) + _stock_changes(catalogue, calendar, rng)
    born = (catalogue.created_ms - calendar.day_ms(0)) // DAY_MS + 2
    changes = [change for change in changes if all(born[item] < change.day for item in change.items)]
    first = Offer(price, list_price.astype(np.int64), stock.astype(np.int64))
    return Plan(first, tuple(sorted(changes, key=lambda change: (change.day, change.items))))


def _price_changes(catalogue: Catalogue, calendar: Calendar, rng: np.random.Generator) -> list[Change]:
    """One family in six changes its price: a third of those cuts fall into the last week."""
    changes = []
    for number in range(len(catalogue.families)):
        draw = rng.random()
        if draw > 0.17:
            continue
        items = tuple(np.flatnonzero(catalogue.family == number).tolist())
        if draw < 0.05:
            day, ratio = rng.integers(calendar.days - 6, calendar.days + 1), rng.uniform(0.65, 0.9)
        elif draw < 0.14:
            day, ratio = rng.integers(5, calendar.days - 7), rng.uniform(0.7, 0.92)
        else:
            day, ratio = rng.integers(5, calendar.days), rng.uniform(1.04, 1.15)
        changes.append(Change(int(day), items, price_ratio=float(ratio)))
    return changes


def _stock_changes(catalogue: Catalogue, calendar: Calendar, rng: np.random.Generator) -> list[Change]:
    """Some items are sold out at the end; some came back in the last week, some earlier."""
    changes = []
    for item in range(catalogue.count):
        draw = rng.random()
        if draw < 0.04:
            changes.append(Change(int(rng.integers(calendar.days - 20, calendar.days + 1)), (item,), stock=0))
        elif draw < 0.11:
            last_week = draw < 0.08
            back = int(
                rng.integers(calendar.days - 6, calendar.days + 1) if last_week else rng.integers(15, calendar.days - 7)
            )
            changes.append(Change(back - int(rng.integers(2, 10)), (item,), stock=0))
            changes.append(Change(back, (item,), stock=int(rng.integers(15, 120))))
    return changes


def changed_at_ms(calendar: Calendar, day: int, order: int) -> int:
    """When a change was made: in the hour before its day, later ones later."""
    return calendar.day_ms(day) - 3_600_000 + order * 1_000 % 3_590_000
