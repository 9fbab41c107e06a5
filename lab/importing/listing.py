"""Every error of a stream, although a service lists the first thousand of an answer only."""

from collections.abc import Callable, Sequence
from typing import Any

MOST_LISTED = 1_000
"""Errors, or rejections, in an answer; the contracts of item_vision and user_profile say so."""


def all_errors(
    items: Sequence[Any],
    errors: Sequence[Any],
    send: Callable[[Sequence[Any]], Sequence[Any]],
    split: Callable[[Sequence[Any]], Sequence[Sequence[Any]]],
) -> list[Any]:
    """Return every error of a stream of items, given those that its answer lists, by `index` in `items`.

    `send` sends items again, which changes nothing, and returns the errors listed then; `split` cuts items into
    messages. The errors of a message may stand in any order, so the message that reaches the bound is sent again whole,
    and by halves when it alone has too many.
    """
    if len(errors) < MOST_LISTED or len(items) == 1:
        return list(errors)
    start, last = 0, errors[-1].index
    for message in split(items):
        if start + len(message) > last:
            break
        start += len(message)
    cut = start or len(items) // 2
    kept = [error for error in errors if error.index < cut]
    if not start:
        kept = all_errors(items[:cut], send(items[:cut]), send, split)
    behind = all_errors(items[cut:], send(items[cut:]), send, split)
    for error in behind:
        error.index += cut
    return kept + behind
