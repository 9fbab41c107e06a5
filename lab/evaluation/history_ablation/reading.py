"""Files of histories as one log: who took what, in which order, and what the items are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from lab.evaluation.profile_files import LEAST_BUYERS, ProfileFileRefused
from lab.leaderboard.sequence_files import attribute_matrix, read_attributes, read_sequences
from services.ranker.vocabulary import codes

Codes = NDArray[np.int32]

KINDS = 3
"""Attributes of an item that the fusion model has room for: category, brand, colour."""


@dataclass(frozen=True)
class HistoryLog:
    """Deeds by user and moment, oldest first; what happened at one moment (a basket) has no order."""

    users: NDArray[np.int64]
    """`[N]` from 0, ascending."""
    items: NDArray[np.int32]
    """`[N]` item rows."""
    at_days: NDArray[np.float64]
    """`[N]` when, in days of any clock, ascending within a user. Without times a step counts as a day."""
    item_count: int
    timed: bool
    """Whether `at_days` counts from a midnight in UTC that began a Monday, so that it tells hour and weekday."""
    attributes: tuple[Codes, Codes, Codes] | None = None
    """`[items]` codes of category, brand and a third, 0 is missing; None when nothing is known of items."""


def read_log(histories: Path, attributes: Path | None) -> HistoryLog:
    """Read `user_id,position,item_id` with `item_id,attribute_ids`, or purchases with an item list, both Parquet.

    Raises: SequenceFileRefused; ProfileFileRefused.
    """
    if histories.suffix == ".parquet":
        return _purchases(histories, attributes)
    read = read_sequences(histories)
    owners, ages = read.histories.owners(), read.histories.ages()
    steps = read.histories.sizes[owners] - 1 - ages
    found = None
    if attributes is not None:
        matrix = attribute_matrix(read_attributes(attributes), read.item_ids)
        found = _rarest([matrix.indices[start:end] for start, end in pairwise(matrix.indptr.tolist())])
    return HistoryLog(owners, read.histories.rows, steps.astype(np.float64), read.histories.item_count, False, found)


def _rarest(attributes: Sequence[NDArray[np.int32]]) -> tuple[Codes, Codes, Codes]:
    """Of sets of attributes the three rarest of each item: the rarest (a brand, often) as brand, the next (its
    narrowest kind) as category.
    """
    counts = np.bincount(np.concatenate([*attributes, np.zeros(0, np.int32)]).astype(np.int64))
    table = np.zeros((KINDS, len(attributes)), np.int32)
    for item, own in enumerate(attributes):
        chosen = own[np.lexsort((own, counts[own]))][:KINDS]
        table[: len(chosen), item] = chosen + 1
    return table[1], table[0], table[2]


def _purchases(path: Path, attributes: Path | None) -> HistoryLog:
    """Each item of a basket once; items of ten households or more."""
    found = _queried(
        path,
        "WITH lines AS (SELECT user_id, item_id, occurred_at FROM read_parquet(?) GROUP BY ALL), "
        "known AS (SELECT item_id FROM lines GROUP BY item_id "
        f"HAVING count(DISTINCT user_id) >= {LEAST_BUYERS}) "
        "SELECT user_id, item_id, epoch(occurred_at) AS seconds FROM lines SEMI JOIN known USING (item_id) "
        "ORDER BY user_id, seconds, item_id",
    )
    _, users = np.unique(found["user_id"], return_inverse=True)
    item_ids, items = np.unique(found["item_id"], return_inverse=True)
    # 1 January 1970 was a Thursday, the fourth day of its week.
    at_days = found["seconds"].astype(np.float64) / 86_400.0 + 3.0
    described = None if attributes is None else _facets(attributes, item_ids)
    return HistoryLog(users.astype(np.int64), items.astype(np.int32), at_days, len(item_ids), True, described)


def _facets(path: Path, item_ids: NDArray[np.str_]) -> tuple[Codes, Codes, Codes]:
    found = _queried(
        path,
        "SELECT item_id, coalesce(product_category, '') AS category, coalesce(brand, '') AS brand, "
        "coalesce(department, '') AS department FROM read_parquet(?)",
    )
    row_of = {item_id: row for row, item_id in enumerate(found["item_id"].tolist())}
    rows = [row_of.get(item_id, -1) for item_id in item_ids.tolist()]

    def facet(name: str) -> Codes:
        values = found[name].tolist()
        return codes([values[row] if row >= 0 else "" for row in rows])[0]

    return facet("category"), facet("brand"), facet("department")


def _queried(path: Path, query: str) -> dict[str, NDArray[np.str_]]:
    try:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            found = connection.execute(query, [str(path)]).fetchnumpy()
    except duckdb.Error as error:
        raise ProfileFileRefused(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return {name: np.asarray(column) for name, column in found.items()}
