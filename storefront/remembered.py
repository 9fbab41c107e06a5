"""What a browser remembers of its visitor's own doing: basket, favourites, and the trail of places clicked.

The basket belongs to the shop, not to the profile: it works for visitors who refused personalisation and while
user_profile is away. All of it lives in signed cookies, so it is kept small.
"""

from collections.abc import Sequence
from typing import TypeVar

BASKET_LIMIT = 24
SAVED_LIMIT = 32
TRAIL_LIMIT = 5
QUANTITY_LIMIT = 99
CHARACTER_LIMIT = 2_700
"""Characters of ids and tokens in one cookie: a browser drops a cookie of more than 4,096, and signing adds a third."""

Basket = dict[str, int]


def basket_from(value: object) -> Basket:
    """The basket of a cookie's value: quantity by item, newest last."""
    if not isinstance(value, dict):
        return {}
    return {str(item_id): int(quantity) for item_id, quantity in value.items() if isinstance(quantity, int)}


def with_quantity(basket: Basket, item_id: str, quantity: int) -> Basket:
    """The basket with so many of the item; 0 takes it out. A full basket loses its oldest item."""
    changed = {key: kept for key, kept in basket.items() if key != item_id or quantity > 0}
    if quantity > 0:
        changed[item_id] = min(quantity, QUANTITY_LIMIT)
    return dict(_newest(list(changed.items()), BASKET_LIMIT))


def ids_from(value: object) -> tuple[str, ...]:
    """A list of item ids of a cookie's value."""
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def with_id(ids: Sequence[str], item_id: str, kept: bool) -> tuple[str, ...]:
    """The ids with the item first, or without it; the oldest fall off."""
    others = [other for other in ids if other != item_id]
    oldest_first = list(reversed(([item_id] if kept else []) + others))
    return tuple(reversed([key for key, _ in _newest([(one, "") for one in oldest_first], SAVED_LIMIT)]))


def trail_from(value: object) -> dict[str, str]:
    """Tracking token by item of the places clicked last, newest last."""
    if not isinstance(value, dict):
        return {}
    return {str(item_id): str(token) for item_id, token in value.items()}


def with_step(trail: dict[str, str], item_id: str, token: str) -> dict[str, str]:
    """The trail with one more click, so that what follows on the item's page is credited to the place."""
    others = {key: kept for key, kept in trail.items() if key != item_id}
    return dict(_newest(list({**others, item_id: token}.items()), TRAIL_LIMIT))


Entry = TypeVar("Entry", str, int)


def _newest(pairs: list[tuple[str, Entry]], limit: int) -> list[tuple[str, Entry]]:
    """The last pairs that fit into one cookie, in order."""
    kept = pairs[-limit:]
    while sum(len(key) + len(str(value)) + 6 for key, value in kept) > CHARACTER_LIMIT:
        kept = kept[1:]
    return kept
