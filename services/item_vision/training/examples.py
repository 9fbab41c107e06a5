"""What vision heads are trained from, and how it is split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class HeadExamples:
    """Raw features of a shop's pictures (one row an item) and what the shop knows about them."""

    features: np.ndarray
    """`[items, width] float32`, from one backbone, of items that have a picture."""
    attributes: Mapping[str, Sequence[str | None]]
    """For each attribute a value an item; None or "" where the shop does not say."""
    families: Sequence[str] = ()
    """For each item its product family. Variants fall on one side of every split. Empty: every item its own."""
    positive_pairs: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64))
    """`[pairs, 2]` rows that belong together beyond their attributes, such as items clicked by the same people."""
    augmented_features: np.ndarray | None = None
    """`[copies, width]` of altered pictures; used for fitting only, never for measuring."""
    augmented_rows: np.ndarray | None = None
    """`[copies]` the item that each altered picture shows."""

    @property
    def count(self) -> int:
        """How many items."""
        return len(self.features)

    def family_numbers(self) -> np.ndarray:
        """`[items] int64`, equal for items of one family."""
        if not len(self.families):
            return np.arange(self.count)
        numbers: np.ndarray = np.unique(np.asarray(self.families, str), return_inverse=True)[1]
        return numbers.astype(np.int64)


def folds(family_numbers: np.ndarray, fold_count: int, seed: int) -> np.ndarray:
    """The fold of each row, `[n]` in 0 .. fold_count − 1; a family is never torn, folds are of about one size."""
    families = family_numbers.max(initial=-1) + 1
    shuffled = np.random.default_rng(seed).permutation(families)
    assigned: np.ndarray = shuffled[family_numbers] % fold_count
    return assigned


def class_numbers(
    values: Sequence[str | None], least_examples: int, greatest_count: int
) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes with enough examples (the most frequent ones, by name), and each row's class, −1 for none."""
    names, inverse, counts = np.unique(
        np.array([value or "" for value in values], str), return_inverse=True, return_counts=True
    )
    frequent = [number for number in np.argsort(-counts, kind="stable") if names[number]]
    kept = sorted(number for number in frequent[:greatest_count] if counts[number] >= least_examples)
    renumbered = np.full(len(names), -1)
    renumbered[kept] = np.arange(len(kept))
    return tuple(str(names[number]) for number in kept), renumbered[inverse]


def stratified_folds(classes: np.ndarray, family_numbers: np.ndarray, fold_count: int, seed: int) -> np.ndarray:
    """The fold of each row, `[n]`: every fold has about the same share of each class, and no family is torn.

    A family counts for the class of its first row.
    """
    _, first, family = np.unique(family_numbers, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    dealt = shuffled[np.argsort(classes[first][shuffled], kind="stable")]
    fold_of = np.empty(len(first), np.int64)
    fold_of[dealt] = np.arange(len(first)) % fold_count
    folds_of_rows: np.ndarray = fold_of[family]
    return folds_of_rows
