"""Who did what to which item, in columns: what candidate sources are trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.ranker.source import ACTION_WEIGHTS, HALF_LIFE_DAYS


@dataclass(frozen=True)
class Interactions:
    """Actions of users on items of the vocabulary, one an entry of every column. Impressions are not actions."""

    users: NDArray[np.int32]
    """`[n]` user numbers from 0."""
    rows: NDArray[np.int32]
    """`[n]` vocabulary rows."""
    actions: NDArray[np.int32]
    """`[n]` numbers of the Action enum."""
    age_days: NDArray[np.float32]
    """`[n]` before training."""
    segments: NDArray[np.str_]
    """`[n, 2]` "region:DE" and "device:1" of each action; "" when unknown."""
    user_count: int
    item_count: int

    def matrix(self, half_life_days: float = 10 * HALF_LIFE_DAYS) -> csr_matrix:
        """`[users, items]` log(1 + weight) of each user's actions on each item, halved by every half-life."""
        weights = action_weights(self.actions) * np.exp2(-self.age_days / half_life_days)
        kept = weights > 0
        matrix = csr_matrix(
            (weights[kept].astype(np.float32), (self.users[kept], self.rows[kept])),
            shape=(self.user_count, self.item_count),
        )
        matrix.sum_duplicates()
        matrix.data = np.log1p(matrix.data)
        return matrix


def action_weights(actions: NDArray[np.int32]) -> NDArray[np.float32]:
    """`[n]` what each action says of liking the item."""
    table = np.zeros(max(int(actions.max(initial=0)), *ACTION_WEIGHTS) + 1, np.float32)
    for action, weight in ACTION_WEIGHTS.items():
        table[action] = weight
    return table[actions]
