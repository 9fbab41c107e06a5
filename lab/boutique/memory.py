"""What has happened so far: what the shop has counted, and what users own, hide and are after."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.catalogue import Catalogue, Column
from lab.boutique.departments import CATEGORIES
from lab.boutique.response import HIDDEN_FACTOR, OWNED_FACTOR, REPEAT_FACTOR
from lab.boutique.users import Matrix, Users

POPULARITY_DECAY = 0.9
"""What a day leaves of yesterday's popularity: a half-life of six and a half days."""


@dataclass
class Memory:
    """Grows while the days pass."""

    popularity: NDArray[np.float64]
    """[items] decayed count of views, clicks, carts and purchases."""
    category_counts: Matrix
    """[users, categories] what the shop has seen each user look at."""
    brand_counts: Matrix
    """[users, brands]"""
    factors: Matrix
    """[users, families] on P(click | seen): owned, bought again, hidden."""
    intent: Column
    """[users] the category each is after."""
    larder: list[tuple[int, int, int]]
    """(user, item, day) of purchases of consumables."""


def empty_memory(catalogue: Catalogue, users: Users, intent: Column) -> Memory:
    """Nothing has happened."""
    return Memory(
        popularity=np.zeros(catalogue.count),
        category_counts=np.zeros((users.count, len(CATEGORIES)), dtype=np.float32),
        brand_counts=np.zeros((users.count, 64), dtype=np.float32),
        factors=np.ones((users.count, len(catalogue.families)), dtype=np.float32),
        intent=intent,
        larder=[],
    )


def note_interest(memory: Memory, catalogue: Catalogue, users: Column, items: Column, weight: float) -> None:
    """Count an action of `weight` views on each item."""
    np.add.at(memory.popularity, items, weight)
    np.add.at(memory.category_counts, (users, catalogue.category[items]), weight)
    np.add.at(memory.brand_counts, (users, catalogue.brand[items]), weight)


def note_purchases(memory: Memory, catalogue: Catalogue, users: Column, items: Column, day: int) -> None:
    """Owned things tempt less, things that run out tempt again."""
    consumable = catalogue.consumable[items]
    factor = np.where(consumable, REPEAT_FACTOR, OWNED_FACTOR).astype(np.float32)
    memory.factors[users, catalogue.family[items]] = factor
    again = np.flatnonzero(consumable)
    memory.larder.extend((int(users[k]), int(items[k]), day) for k in again)


def note_hidden(memory: Memory, catalogue: Catalogue, users: Column, items: Column) -> None:
    """Hidden products are not wanted again."""
    memory.factors[users, catalogue.family[items]] = HIDDEN_FACTOR
