"""What people do, as numbers of the contract's Action enum, and which action undoes which."""

from enum import IntEnum
from typing import Final


class Action(IntEnum):
    """The contract's Action (a test holds the two against each other), without the dependency on protobuf."""

    IMPRESSION = 1
    VIEW = 2
    SEARCH = 3
    CLICK = 4
    FAVOURITE = 5
    CART = 6
    PURCHASE = 7
    RATE = 8
    REVIEW = 9
    COMMENT = 10
    LIKE = 11
    SHARE = 12
    HIDE = 13
    UNFAVOURITE = 14
    UNCART = 15
    RETURN = 16
    UNLIKE = 17
    UNHIDE = 18


# Plain ints: they are compared with stored numbers in loops where an enum's methods would cost more than the rest.
IMPRESSION: Final = int(Action.IMPRESSION)
SEARCH: Final = int(Action.SEARCH)
CART: Final = int(Action.CART)
HIDE: Final = int(Action.HIDE)
UNHIDE: Final = int(Action.UNHIDE)

UNDOES: Final[dict[int, int]] = {
    int(Action.UNFAVOURITE): int(Action.FAVOURITE),
    int(Action.UNCART): CART,
    int(Action.RETURN): int(Action.PURCHASE),
    int(Action.UNLIKE): int(Action.LIKE),
    UNHIDE: HIDE,
}
"""Undoing action → the action it takes back. It takes back every earlier one of its kind on the same item."""

ENDS_CART: Final = frozenset({int(Action.UNCART), int(Action.PURCHASE)})
"""What takes an item out of the cart."""

SEEN: Final = frozenset(
    int(action)
    for action in (
        Action.VIEW,
        Action.CLICK,
        Action.FAVOURITE,
        Action.CART,
        Action.PURCHASE,
        Action.RATE,
        Action.REVIEW,
        Action.COMMENT,
        Action.LIKE,
        Action.SHARE,
    )
)
"""Actions after which the user has seen the item: a click, a view or something stronger."""
