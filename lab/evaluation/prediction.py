"""The first items of each user by a model's scores, so that a user's items depend on the model and that user alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model, Progress

BATCH = 256
"""Users scored at once; the last batch is filled up, because products of other shapes round otherwise."""
LEVELS = 1e5
"""Scores are told apart to this part of the user's largest: a hundred times what rounding in float32 moves them, and
far less than models differ by. Items that differ by rounding alone are ties.
"""


@dataclass(frozen=True)
class Ranking:
    """One user's first items."""

    user: int
    rows: NDArray[np.int64]
    """`[at most top]` item rows, best first, none of the user's history."""
    scores: NDArray[np.float64]
    """`[at most top]` descending."""


def order_of_ties(histories: Histories) -> NDArray[np.int64]:
    """`[items]` place of each item where scores do not tell: by its users in training, then by its row."""
    users = np.asarray(histories.matrix().sum(axis=0)).ravel()
    places = np.empty(len(users), np.int64)
    places[np.lexsort((np.arange(len(users)), -users))] = np.arange(len(users))
    return places


def rankings(
    model: Model, histories: Histories, ties: NDArray[np.int64], top: int, progress: Progress
) -> Iterator[Ranking]:
    """The first `top` items of every user, in the users' order; fewer only where there are no more items.

    Args:
        model: what scores.
        histories: what each user has; it is never returned.
        ties: of `order_of_ties`.
        top: items a user.
        progress: told of every batch.

    """
    progress("predicting", 0, len(histories))
    for first in range(0, len(histories), BATCH):
        users = np.arange(first, min(first + BATCH, len(histories)))
        batch = histories.take(users)
        scores = model.score(_filled_up(batch))[: len(users)]
        levels, quanta = _levels(scores)
        levels[batch.owners(), batch.rows] = -np.inf
        for place, user in enumerate(users):
            rows = first_rows(levels[place], ties, top)
            yield Ranking(int(user), rows, levels[place, rows] * quanta[place])
        progress("predicting", int(users[-1]) + 1, len(histories))


def first_rows(scores: NDArray[np.float64], ties: NDArray[np.int64], top: int) -> NDArray[np.int64]:
    """`[at most top]` rows by descending score, ties by their place; never one of −inf."""
    count = min(top, int((scores > -np.inf).sum()))
    if count <= 0:
        return np.empty(0, np.int64)
    threshold = np.partition(scores, len(scores) - count)[len(scores) - count]
    near = np.flatnonzero(scores >= threshold)
    return np.asarray(near[np.lexsort((ties[near], -scores[near]))][:count], np.int64)


def _filled_up(batch: Histories) -> Histories:
    """The batch and as many users without a history as `BATCH` needs."""
    missing = BATCH - len(batch)
    return Histories(np.append(batch.starts, np.full(missing, batch.starts[-1])), batch.rows, batch.item_count)


def _levels(scores: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole numbers `[users, items]` and what one of them is worth `[users]`: scores without their noise."""
    largest = np.abs(scores).max(axis=1, initial=0.0).astype(np.float64)
    # A power of ten, so that the noise of the largest score does not move all others.
    quanta = 10.0 ** np.ceil(np.log10(np.maximum(largest, 1e-30))) / LEVELS
    return np.rint(scores / quanta[:, None]), quanta
