"""Which items an autoencoder reconstructs, and what the others are read as."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.user_profile.model.encoder import Layer
from services.user_profile.training.interaction_matrix import InteractionMatrix


@dataclass(frozen=True)
class Reconstructed:
    """The items of most users, of a catalogue that may be far larger."""

    rows: NDArray[np.int64]
    """`[reconstructed]` vocabulary rows, ascending."""
    item_count: int
    """Items of the vocabulary."""

    @classmethod
    def most_used(cls, users: InteractionMatrix, most: int) -> Self:
        """At most `most` items; all of them where there are no more. Ties go to the lower row."""
        if users.item_count <= most:
            return cls(np.arange(users.item_count), users.item_count)
        order = np.argsort(-users.popularity(), kind="stable")
        return cls(np.sort(order[:most]), users.item_count)

    @property
    def everything(self) -> bool:
        """Whether no item is left out."""
        return len(self.rows) == self.item_count

    def restrict(self, users: InteractionMatrix) -> InteractionMatrix:
        """The users with these items only, renumbered; users without any are left out."""
        if self.everything:
            return users
        place = np.full(self.item_count, -1, np.int32)
        place[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        kept = users.masked(place[users.columns] >= 0)
        kept = kept.rows(np.flatnonzero(kept.sizes))
        return InteractionMatrix(kept.starts, place[kept.columns], kept.weights, len(self.rows))

    def widen(self, first: Layer, groups: NDArray[np.int32] | None) -> Layer:
        """The encoder's first layer for the whole vocabulary: an item left out is read as the mean of its group's
        reconstructed items, or of all where its group has none. `groups` `[items]` are codes from 0; None: one group.
        """
        if self.everything:
            return first
        kernel, bias = first
        codes = np.zeros(self.item_count, np.int32) if groups is None else groups
        count = int(codes.max(initial=0)) + 1
        sums = np.zeros((count, kernel.shape[1]))
        np.add.at(sums, codes[self.rows], kernel)
        sizes = np.bincount(codes[self.rows], minlength=count)[:, None]
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1), kernel.mean(axis=0)).astype(np.float32)
        whole = means[codes]
        whole[self.rows] = kernel
        return whole, bias
