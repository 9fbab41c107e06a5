"""Ratings from a file: who rated what, how, and how likely it was that they would."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lab.evaluation.tables import TableRefused, numbers, read_table, texts, where

COLUMNS = ("user", "item", "rating")
_LEAST_RATINGS = 20


@dataclass(frozen=True)
class RatingLog:
    """Ratings in columns; `[N]` each."""

    users: NDArray[np.int64]
    """Numbers of users, in order of their first rating."""
    items: NDArray[np.int64]
    ratings: NDArray[np.float64]
    propensities: NDArray[np.float64] | None
    """P(the user rates the item); None where nothing is known of it."""
    user_names: Sequence[str]
    item_names: Sequence[str]

    def __len__(self) -> int:
        return len(self.ratings)

    @property
    def shape(self) -> tuple[int, int]:
        """Users and items."""
        return len(self.user_names), len(self.item_names)

    @property
    def weights(self) -> NDArray[np.float64]:
        """`[N]` how many pairs each rating stands for, on average 1 (self-normalised inverse propensities)."""
        if self.propensities is None:
            return np.ones(len(self))
        weights = 1.0 / self.propensities
        return np.asarray(weights / weights.mean())

    def take(self, rows: NDArray[np.int64]) -> "RatingLog":
        """Some of the ratings, of the same users and items."""
        propensities = None if self.propensities is None else self.propensities[rows]
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            ratings=self.ratings[rows],
            propensities=propensities,
        )

    def without_propensities(self) -> "RatingLog":
        """The same ratings as if nothing were known of how they came about."""
        return replace(self, propensities=None)


def read_ratings(path: Path, propensity_column: str | None = None) -> RatingLog:
    """Read `user,item,rating` and, where it is named, a column of propensities.

    Raises:
        TableRefused: a column is absent, or a value is not what its column holds.

    """
    table = read_table(path, (*COLUMNS, *([propensity_column] if propensity_column else [])))
    if table.num_rows < _LEAST_RATINGS:
        raise TableRefused(f"{path} has {table.num_rows} ratings; at least {_LEAST_RATINGS} are needed to learn from")
    users, user_names = _numbered(texts(path, table, "user"))
    items, item_names = _numbered(texts(path, table, "item"))
    propensities = None if propensity_column is None else _propensities(path, table, propensity_column)
    return RatingLog(users, items, numbers(path, table, "rating"), propensities, user_names, item_names)


def _numbered(column: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column.dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _propensities(path: Path, table: pa.Table, name: str) -> NDArray[np.float64]:
    found = numbers(path, table, name)
    wrong = np.flatnonzero((found <= 0.0) | (found > 1.0))
    if len(wrong):
        row = int(wrong[0])
        raise TableRefused(
            f"{where(path, row)}: {name} {found[row]:g} is no probability above 0; "
            "give the chance with which the user rates the item, up to 1"
        )
    return found
