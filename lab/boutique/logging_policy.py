"""The old shop's pages, which made the log: simple shelves in random order, a little personal, with luck throughout.

Each shelf ranks eligible items by a score plus Gumbel noise (a draw without replacement from the score's softmax):

| shelf | score |
|---|---|
| for_you | 0.9 log(1 + views of its category by this user) + 0.6 log(1 + of its brand) + 0.3 log(1 + popularity) |
| popular | 1.1 log(1 + popularity of the last days) |
| new | items of the last two weeks, evenly |
| deals | items below their list price, evenly |
| explore | a fifth of all items, another fifth every day, evenly |

So the log shows the tail as well as the head, and over the weeks every eligible item could stand in every slot.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lab.boutique.calendar import DAY_MS
from lab.boutique.catalogue import Catalogue, Column, Flags
from lab.boutique.changes import Offer
from lab.boutique.departments import CATEGORIES
from lab.boutique.examination import GAZES
from lab.boutique.families import NEW_DAYS
from lab.boutique.memory import Memory
from lab.boutique.users import DEVICES, Matrix, Users

SHELVES: tuple[str, ...] = ("for_you", "popular", "new", "deals", "explore")
ROW_SHARES = (0.30, 0.26, 0.14, 0.12, 0.18)
"""How often a row of the page is each shelf."""
SCROLL_STOP = 0.42
"""Chance that a page ends after each row beyond the fewest."""
DEPTH = 36
"""Items ranked a shelf: enough for the longest page."""
NEVER = np.float32(-1e9)
TINY = np.float32(1e-30)


@dataclass(frozen=True)
class Slots:
    """Filled slots of a day's pages, in columns."""

    visit: Column
    """Which of the day's visits."""
    row: Column
    column: Column
    shelf: Column
    item: Column


@dataclass(frozen=True)
class Today:
    """What the policy knows of the day, for some of its visits."""

    offer: Offer
    now_ms: int
    allowed: Flags
    """[visits, items]"""


def eligible(catalogue: Catalogue, users: Users, visitors: Column, offer: Offer, now_ms: int) -> Flags:
    """[visits, items]: created, indexed, in stock, sold in the region, and suitable for the age."""
    listed = (catalogue.created_ms <= now_ms) & (offer.stock > 0) & ~catalogue.cold
    allowed = catalogue.regions[:, users.region[visitors]].T & listed
    for_adults = np.array([category.minimum_age > 0 for category in CATEGORIES])
    restricted = for_adults[catalogue.category]
    return np.asarray(allowed & (users.adult[visitors][:, None] | ~restricted))


def rank_shelves(
    catalogue: Catalogue, memory: Memory, visitors: Column, day: Today, rng: np.random.Generator
) -> Column:
    """The first DEPTH items of every shelf for every visit, [shelves, visits, DEPTH]; −1 where none is left."""
    popular = np.log1p(memory.popularity).astype(np.float32)[None, :]
    to_category = np.log1p(memory.category_counts[visitors])[:, catalogue.category]
    to_brand = np.log1p(memory.brand_counts[visitors])[:, catalogue.brand]
    personal = (0.9 * to_category + 0.6 * to_brand + 0.3 * popular).astype(np.float32)
    new = np.flatnonzero(catalogue.created_ms > day.now_ms - NEW_DAYS * DAY_MS)
    deals = np.flatnonzero(day.offer.price_minor < day.offer.list_price_minor)
    explored = rng.choice(catalogue.count, catalogue.count // 5, replace=False)
    even = np.zeros((1, catalogue.count), dtype=np.float32)
    return np.stack(
        [
            rank(personal, day.allowed, DEPTH, rng),
            rank(np.float32(1.1) * popular, day.allowed, DEPTH, rng),
            *(rank_among(items, even, day.allowed, rng) for items in (new, deals, explored)),
        ]
    )


def rank_among(items: Column, score: Matrix, allowed: Flags, rng: np.random.Generator) -> Column:
    """Like `rank` over some of the items only, [visits, DEPTH]."""
    if not len(items):
        return np.full((len(allowed), DEPTH), -1)
    places = rank(score[:, items], allowed[:, items], DEPTH, rng)
    found = np.full((len(allowed), DEPTH), -1)
    found[:, : places.shape[1]] = np.where(places >= 0, items[places], -1)
    return found


def rank(score: Matrix, allowed: Flags, depth: int, rng: np.random.Generator) -> Column:
    """The first `depth` (or all) items of each visit, drawn without replacement; −1 where none is left."""
    exponential = np.maximum(rng.standard_exponential(allowed.shape, dtype=np.float32), TINY)
    noisy = np.where(allowed, score - np.log(exponential), NEVER)
    depth = min(depth, allowed.shape[1])
    best = np.argpartition(noisy, -depth, axis=1)[:, -depth:]
    value = np.take_along_axis(noisy, best, axis=1)
    order = np.argsort(-value, axis=1)
    best, value = np.take_along_axis(best, order, axis=1), np.take_along_axis(value, order, axis=1)
    return np.where(value > NEVER / 2, best, -1)


def lay_out(shelves: Column, family: Column, devices: Column, rng: np.random.Generator) -> Slots:
    """Fill pages from ranked shelves ([shelves, visits, depth]); no product twice on a page."""
    filled: list[tuple[int, int, int, int, int]] = []
    ranked, families = shelves.tolist(), family.tolist()
    for visit, device in enumerate(devices.tolist()):
        gaze = GAZES[DEVICES[device]]
        rows = min(gaze.rows[0] + int(rng.geometric(SCROLL_STOP)) - 1, gaze.rows[1])
        order = rng.choice(len(SHELVES), rows, p=ROW_SHARES).tolist()
        queues = [iter(ranked[shelf][visit]) for shelf in range(len(SHELVES))]
        shown: set[int] = set()
        row = 0
        for shelf in order:
            items = _next_items(queues[shelf], families, shown, gaze.columns)
            filled.extend((visit, row, column, shelf, item) for column, item in enumerate(items))
            row += bool(items)
    columns = np.array(filled, dtype=np.int64).reshape(-1, 5).T
    return Slots(*columns)


def _next_items(queue: Iterator[int], families: list[int], shown: set[int], count: int) -> list[int]:
    items: list[int] = []
    for item in queue:
        if item < 0:
            break
        if families[item] not in shown:
            shown.add(families[item])
            items.append(item)
            if len(items) == count:
                break
    return items
