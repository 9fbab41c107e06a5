"""A walk from the user's items to their attributes and on to other items with them.

A walk steps to an attribute the more likely the better it holds together what users use one after another, which is
learnt, and from there to an item by its popularity: the release's source of the same name
(`services.ranker.training.sources.knowledge_graph`), over any attributes instead of four kinds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training, attributes_of
from lab.leaderboard.windows import recency

USES_ORDER = True
PAIRS_AT_A_TIME = 100_000


@dataclass(frozen=True)
class Config:
    """How the walk steps."""

    recency_steps: float = 1.0
    """exp(−age / this) is how likely a walk starts at an item of the history."""
    lift_power: float = 1.0
    """Attributes are stepped to by their lift to this power."""
    popularity_power: float = 0.4
    """An attribute's items are stepped to by their users, and 1, to this power."""
    least_lift: float = 0.05
    """Of attributes that hold nothing together."""


@dataclass(frozen=True)
class KnowledgeGraph:
    """Step probabilities."""

    to_attribute: csr_matrix
    """`[items, attributes]` rows sum to 1, or 0 for items without attributes."""
    to_item: csr_matrix
    """`[attributes, items]` rows sum to 1."""
    recency_steps: float

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` how often a walk ends at an item, for each walk that starts at the newest."""
        attributes = recency(histories, self.recency_steps) @ self.to_attribute
        return np.asarray((attributes @ self.to_item).toarray(), np.float32)


def train(histories: Histories, training: Training, config: Config) -> KnowledgeGraph:
    """Learn what attributes hold together. Raises: AttributesMissingError."""
    attributes = attributes_of(training, "knowledge_graph").astype(np.float64)
    lifts = np.maximum(_lifts(histories, attributes), config.least_lift) ** config.lift_power
    users = np.asarray(histories.matrix().sum(axis=0), np.float64).ravel()
    popular = (1.0 + users) ** config.popularity_power
    to_attribute = _shares(attributes @ diags(lifts))
    to_item = _shares((diags(popular) @ attributes).T)
    return KnowledgeGraph(to_attribute.astype(np.float32), to_item.astype(np.float32), config.recency_steps)


def _lifts(histories: Histories, attributes: csr_matrix) -> NDArray[np.float64]:
    """`[attributes]` how much more often the next item has an attribute of this one than any item has, minus 1."""
    owners = histories.owners()
    follows = np.flatnonzero(owners[1:] == owners[:-1])
    first, second = histories.rows[follows], histories.rows[follows + 1]
    have, next_have, both = (np.zeros(attributes.shape[1]) for _ in range(3))
    for start in range(0, len(follows), PAIRS_AT_A_TIME):
        part = slice(start, start + PAIRS_AT_A_TIME)
        left, right = attributes[first[part]], attributes[second[part]]
        have += np.asarray(left.sum(axis=0)).ravel()
        next_have += np.asarray(right.sum(axis=0)).ravel()
        both += np.asarray(left.multiply(right).sum(axis=0)).ravel()
    # One pair more of each, had by chance: what is hardly ever seen has no lift.
    by_chance = np.maximum(have * next_have / max(len(follows), 1), 1e-9)
    return np.asarray((both + 1.0) / (by_chance + 1.0) - 1.0, np.float64)


def _shares(matrix: csr_matrix) -> csr_matrix:
    sums = np.asarray(matrix.sum(axis=1), np.float64).ravel()
    return (diags(1.0 / np.maximum(sums, 1e-12)) @ matrix).tocsr()
