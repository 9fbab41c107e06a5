"""Histories a little changed in each epoch, so that a network does not learn few of them by heart."""

from dataclasses import dataclass

import numpy as np

from lab.leaderboard.histories import Histories


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a history in an epoch; nothing where all shares are 0."""

    left_out_share: float = 0.0
    """Share of the entries that are left out: what came after them then follows what came before."""
    swapped_share: float = 0.0
    """Share of the entries that change places with the one before: many events of one day have no true order."""
    reversed_share: float = 0.0
    """Share of the users that are read backwards: what is bought together is bought in either order."""

    def __call__(self, histories: Histories, random: np.random.Generator) -> Histories:
        """The same users, changed."""
        if self.left_out_share:
            histories = histories.masked(random.random(len(histories.rows)) >= self.left_out_share)
        if self.swapped_share:
            histories = _swapped(histories, self.swapped_share, random)
        if self.reversed_share:
            histories = _reversed(histories, self.reversed_share, random)
        return histories


def _swapped(histories: Histories, share: float, random: np.random.Generator) -> Histories:
    chosen = random.random(len(histories.rows)) < share
    chosen[histories.starts[:-1][histories.sizes > 0]] = False
    # An entry that has just been moved back is not taken further.
    chosen[1:] &= ~chosen[:-1]
    later = np.flatnonzero(chosen)
    rows = histories.rows.copy()
    rows[later], rows[later - 1] = histories.rows[later - 1], histories.rows[later]
    return Histories(histories.starts, rows, histories.item_count)


def _reversed(histories: Histories, share: float, random: np.random.Generator) -> Histories:
    owners, entries = histories.owners(), np.arange(len(histories.rows))
    turned = (random.random(len(histories)) < share)[owners]
    mirrored = histories.starts[:-1][owners] + histories.starts[1:][owners] - 1 - entries
    return Histories(histories.starts, histories.rows[np.where(turned, mirrored, entries)], histories.item_count)
