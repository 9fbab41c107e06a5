"""Items described like the user's: cosine over attributes, rare attributes more (TF-IDF; Lops et al. 2011)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from lab.leaderboard.histories import Histories
from lab.leaderboard.model import Training, attributes_of
from lab.leaderboard.windows import recency

USES_ORDER = True


@dataclass(frozen=True)
class Config:
    """How the user's taste is put together."""

    recency_steps: float = 2.0
    """exp(−age / this) is what an item of the history counts."""
    popularity_power: float = 0.1
    """The cosine is multiplied by the users of the item, and 1, to this power: many items have the same attributes."""


@dataclass(frozen=True)
class Content:
    """A description of each item."""

    vectors: csr_matrix
    """`[items, attributes]` of length 1, zeros for items without attributes."""
    item_factor: NDArray[np.float32]
    """`[items]`"""
    recency_steps: float

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """`[users, items]` cosine of the history's mean description and the item's, times what popularity adds."""
        tastes = (recency(histories, self.recency_steps) @ self.vectors).tocsr()
        lengths = np.sqrt(np.asarray(tastes.multiply(tastes).sum(axis=1)).ravel())
        cosines = (diags(1.0 / np.maximum(lengths, 1e-9)) @ tastes @ self.vectors.T).toarray()
        return np.asarray(cosines * self.item_factor, np.float32)


def train(histories: Histories, training: Training, config: Config) -> Content:
    """Weigh attributes by how few items have them. Raises: AttributesMissingError."""
    attributes = attributes_of(training, "content")
    items_of = np.asarray(attributes.sum(axis=0), np.float64).ravel()
    rarity = np.log((1.0 + attributes.shape[0]) / (1.0 + items_of))
    weighted = (attributes @ diags(rarity)).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    vectors = (diags(1.0 / np.maximum(lengths, 1e-9)) @ weighted).tocsr().astype(np.float32)
    users = np.asarray(histories.matrix().sum(axis=0), np.float64).ravel()
    return Content(vectors, ((1.0 + users) ** config.popularity_power).astype(np.float32), config.recency_steps)
