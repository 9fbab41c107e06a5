"""Users whose newest item a model has not seen: where it ranks that item among all that the user has not had."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Model
from lab.leaderboard.ranking import gains, ranks_of

BATCH = 256
AT = 10


@dataclass(frozen=True)
class HeldOut:
    """Users with the item that comes next."""

    histories: Histories
    targets: NDArray[np.int32]
    """`[users]` item rows."""

    def __len__(self) -> int:
        return len(self.targets)

    def sample(self, most: int, seed: int = 1) -> "HeldOut":
        """At most so many of the users, drawn at random, in their order."""
        if len(self) <= most:
            return self
        users = np.sort(np.random.default_rng(seed).permutation(len(self))[:most])
        return HeldOut(self.histories.take(users), self.targets[users])

    def ranks(self, model: Model) -> NDArray[np.float64]:
        """`[users]` rank of each target from 1; ties get their mean rank."""
        found = [np.empty(0)]
        for first in range(0, len(self), BATCH):
            users = np.arange(first, min(first + BATCH, len(self)))
            batch = self.histories.take(users)
            # A copy: ranking changes the scores, and a model may answer with an array that it keeps.
            found.append(ranks_of(np.array(model.score(batch), np.float32), batch, self.targets[users]))
        return np.concatenate(found)


def hold_out_newest(histories: Histories) -> tuple[Histories, HeldOut]:
    """The histories without each user's newest item, and those items; users with a single item keep it."""
    known, targets = histories.without_newest()
    tested = np.flatnonzero(known.sizes > 0)
    kept = (histories.ages() > 0) | (histories.sizes == 1)[histories.owners()]
    return histories.masked(kept), HeldOut(known.take(tested), targets[tested])


@dataclass(frozen=True)
class NextItemMeasure:
    """NDCG@10 of a model on held-out items: what models that learn in epochs stop by."""

    held: HeldOut

    def __call__(self, model: Model) -> float:
        """Mean over users."""
        return float(gains(self.held.ranks(model), AT).mean())
