"""Histories that share the user's newest items, and what stands near those items in them.

Vector-multiplication session kNN (Ludewig & Jannach, "Evaluation of Session-based Recommendation Algorithms", UMUAI
2018, section 3.3) with the position decays of STAN (Garg et al., "Sequence and Time Aware Neighborhood for
Session-based Recommendations", SIGIR 2019, equations 2 to 5; time is counted in steps).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training

USES_ORDER = True
USERS_AT_A_TIME = 64
"""Matches of more users at once would be gigabytes where histories are long."""


@dataclass(frozen=True)
class Config:
    """How neighbours are found and what they say."""

    neighbours: int = 300
    """Histories that a user is compared with, the most similar."""
    recency_steps: float = 3.0
    """exp(−age / this) is what an item of the user's history counts."""
    rarity_power: float = 0.3
    """A shared item counts its users to minus this power."""
    length_power: float = 0.1
    """A neighbour with n items counts n to minus this power."""
    distance_steps: float = 6.0
    """exp(−distance / this) is what an item counts that stands so far from the shared one."""
    backward: float = 0.3
    """What an item before the shared one counts, where one after it counts 1."""
    target_power: float = 0.0
    """Scores are divided by the users of the item to this power."""
    window: int = 20
    """Items further from the shared one count nothing; of the user's history, the newest so many are looked at."""


@dataclass(frozen=True)
class SequenceNeighbours:
    """The training histories and an index of them."""

    histories: Histories = field(repr=False)
    owners: NDArray[np.int64] = field(repr=False)
    """`[entries]` the history of each entry."""
    index_starts: NDArray[np.int64] = field(repr=False)
    """`[items + 1]`: item i stands in the entries index[index_starts[i]] to index[index_starts[i + 1]]."""
    index: NDArray[np.int64] = field(repr=False)
    users_of_item: NDArray[np.float64] = field(repr=False)
    """`[items]` at least 1."""
    config: Config

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` weighted count of the items near shared ones; 0 for users without a history."""
        scores = np.zeros((len(histories), histories.item_count), np.float32)
        for first in range(0, len(histories), USERS_AT_A_TIME):
            users = np.arange(first, min(first + USERS_AT_A_TIME, len(histories)))
            scores[users] = self._scored(histories.take(users).newest(self.config.window))
        return scores * (self.users_of_item**-self.config.target_power).astype(np.float32)

    def _scored(self, histories: Histories) -> NDArray[np.float64]:
        users, entries, weights = self._matches(histories)
        kept = self._of_neighbours(users, entries, weights)
        users, entries, weights = users[kept], entries[kept], weights[kept]
        length = np.maximum(self.histories.sizes, 1.0)[self.owners[entries]]
        weights = weights * length**-self.config.length_power
        steps, factors = self._steps()
        near = entries[:, None] + steps
        inside = (near >= 0) & (near < len(self.owners))
        near = np.where(inside, near, 0)
        inside &= self.owners[near] == self.owners[entries][:, None]
        cells = (users[:, None] * histories.item_count + self.histories.rows[near])[inside]
        counted = (weights[:, None] * factors)[inside]
        scores = np.bincount(cells, counted, minlength=len(histories) * histories.item_count)
        return np.asarray(scores.reshape(len(histories), histories.item_count), np.float64)

    def _steps(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Places around a shared item, and what an item there counts."""
        distances = np.arange(1, self.config.window + 1)
        decay = np.exp(-(distances - 1) / self.config.distance_steps)
        return np.concatenate([distances, -distances]), np.concatenate([decay, decay * self.config.backward])

    def _matches(self, histories: Histories) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Every training entry that has an item of a user's history: the user, the entry, and what it counts."""
        rows = histories.rows
        counts = self.index_starts[rows + 1] - self.index_starts[rows]
        before = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(self.index_starts[rows] - before, counts)
        weights = np.exp(-histories.ages() / self.config.recency_steps)
        weights = weights * self.users_of_item[rows] ** -self.config.rarity_power
        return np.repeat(histories.owners(), counts), self.index[places], np.repeat(weights, counts)

    def _of_neighbours(
        self, users: NDArray[np.int64], entries: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """`[matches]` whether the match is with one of the user's most similar histories; ties go to the first."""
        pairs, pair_of = np.unique(users * len(self.histories) + self.owners[entries], return_inverse=True)
        # Where nobody has a history there are no pairs, and the empty count is one of whole numbers.
        similarity = np.bincount(pair_of, weights, minlength=len(pairs)).astype(np.float64)
        similarity *= np.maximum(self.histories.sizes, 1.0)[pairs % len(self.histories)] ** -self.config.length_power
        owner = pairs // len(self.histories)
        order = np.lexsort((-similarity, owner))
        sizes = np.bincount(owner)
        place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        near = np.zeros(len(pairs), np.bool_)
        near[order[place < self.config.neighbours]] = True
        return np.asarray(near[pair_of], np.bool_)


def train(histories: Histories, training: Training, config: Config) -> SequenceNeighbours:
    """Index the entries by item."""
    del training
    index = np.argsort(histories.rows, kind="stable")
    starts = np.searchsorted(histories.rows[index], np.arange(histories.item_count + 1)).astype(np.int64)
    users = np.maximum(np.asarray(histories.matrix().sum(axis=0), np.float64).ravel(), 1.0)
    return SequenceNeighbours(histories, histories.owners(), starts, index, users, config)
