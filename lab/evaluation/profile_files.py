"""Who has what, read from the files of public data: sequences, ratings or purchases; everything counts as one."""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import numpy as np

from lab.leaderboard.histories import Histories
from lab.leaderboard.sequence_files import read_sequences

LEAST_BUYERS = 10
"""Purchased items of fewer users are left out."""


class ProfileFileRefused(ValueError):  # noqa: N818  named like the refusals of imports
    """A file that is not as its format says."""


def read_sequence_profiles(path: Path) -> Histories:
    """`user_id,position,item_id`, without regard to the position. Raises: SequenceFileRefused."""
    return read_sequences(path, ordered=False).histories


def read_ratings(path: Path) -> Histories:
    """CSV with `userId` and `movieId`: every rating counts as one, whatever it says. Raises: ProfileFileRefused."""
    return _pairs(path, "SELECT DISTINCT userId AS user, movieId AS item FROM read_csv(?)")


def read_purchases(path: Path) -> Histories:
    """Parquet with `user_id` and `item_id`: items of ten households or more. Raises: ProfileFileRefused."""
    return _pairs(
        path,
        "WITH pairs AS (SELECT DISTINCT user_id AS user, item_id AS item FROM read_parquet(?)) "
        f"SELECT * FROM pairs QUALIFY count(*) OVER (PARTITION BY item) >= {LEAST_BUYERS}",
    )


READERS: Mapping[str, Callable[[Path], Histories]] = {
    "sequences": read_sequence_profiles,
    "ratings": read_ratings,
    "purchases": read_purchases,
}
"""By the name of the format."""


def _pairs(path: Path, query: str) -> Histories:
    """Users and items in ascending order of their ids."""
    try:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            found = connection.execute(query, [str(path)]).fetchnumpy()
    except duckdb.Error as error:
        raise ProfileFileRefused(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    users, owners = np.unique(np.asarray(found["user"]), return_inverse=True)
    items, rows = np.unique(np.asarray(found["item"]), return_inverse=True)
    order = np.lexsort((rows, owners))
    starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(users)))]).astype(np.int64)
    return Histories(starts, rows[order].astype(np.int32), len(items))
