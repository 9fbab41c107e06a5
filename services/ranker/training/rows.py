"""Training rows in columns: what the offline pipeline prepares and the trainer reads."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import PER_REQUEST, Tensors


@dataclass(frozen=True)
class ImpressionRows:
    """Impressions grouped by request. R requests, N rows; request r owns rows `offsets[r]:offsets[r + 1]`.

    Request columns are built by the serving code (`features.visitor_tensors`) from what was received before the
    request; features are normalised.
    """

    user_embedding: NDArray[np.float32]
    """`[R, 64]`"""
    history_rows: NDArray[np.int32]
    """`[R, 30]`"""
    history_actions: NDArray[np.int32]
    """`[R, 30]`"""
    history_age_days: NDArray[np.float32]
    """`[R, 30]`"""
    context: NDArray[np.float32]
    """`[R, 16]`"""
    users: NDArray[np.int32]
    """`[R]` any number that tells users apart; for per-user AUC only, never an input."""
    devices: NDArray[np.int32]
    """`[R]` numbers of the Device enum."""
    occurred_at: NDArray[np.int64]
    """`[R]` any clock that grows with time (such as Unix seconds); requests are split by it."""
    offsets: NDArray[np.int64]
    """`[R + 1]`, ascending from 0 to N."""
    candidate_rows: NDArray[np.int32]
    """`[N]` vocabulary rows."""
    candidate_features: NDArray[np.float32]
    """`[N, 12]` normalised."""
    page_rows: NDArray[np.int32]
    """`[N]` row on the page where the item stood. Never an input: it explains why an item was not looked at."""
    page_columns: NDArray[np.int32]
    """`[N]` column within the row."""
    clicked: NDArray[np.bool_]
    """`[N]`"""
    purchased: NDArray[np.bool_]
    """`[N]`: clicked and then bought."""
    log_q: NDArray[np.float32] | None = None
    """`[N]` log of the probability that the row was sampled, where rows are sampled negatives; None for impressions."""

    def __post_init__(self) -> None:
        """Checks that the columns fit together.

        Raises:
            ValueError: which column does not.

        """
        requests, rows = len(self.users), len(self.candidate_rows)
        for name in (*PER_REQUEST, "devices", "occurred_at"):
            if len(getattr(self, name)) != requests:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {requests} requests.")
        for name in ("candidate_features", "page_rows", "page_columns", "clicked", "purchased"):
            if len(getattr(self, name)) != rows:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {rows} rows.")
        grows = len(self.offsets) == requests + 1 and bool((np.diff(self.offsets) >= 0).all())
        if not grows or self.offsets[0] != 0 or self.offsets[-1] != rows:
            raise ValueError("offsets must ascend from 0 to the number of rows, one more than requests.")
        if bool((self.purchased & ~self.clicked).any()):
            raise ValueError("A purchase without a click: purchased means clicked and then bought.")

    def __len__(self) -> int:
        return len(self.candidate_rows)

    @property
    def request_count(self) -> int:
        """R."""
        return len(self.users)

    @property
    def request_of_row(self) -> NDArray[np.int64]:
        """`[N]` the request of each row."""
        return np.repeat(np.arange(self.request_count), np.diff(self.offsets))

    def visitors(self) -> Tensors:
        """The per-request inputs by name."""
        return {name: getattr(self, name) for name in PER_REQUEST}

    def take(self, requests: NDArray[np.int64]) -> Self:
        """The given requests with their rows, in the order given."""
        lengths = np.diff(self.offsets)[requests]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inner = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        rows = np.repeat(self.offsets[requests], lengths) + inner
        columns = {name: getattr(self, name)[requests] for name in (*PER_REQUEST, "users", "devices", "occurred_at")}
        for name in (
            "candidate_rows",
            "candidate_features",
            "page_rows",
            "page_columns",
            "clicked",
            "purchased",
        ):
            columns[name] = getattr(self, name)[rows]
        log_q = None if self.log_q is None else self.log_q[rows]
        return replace(self, offsets=offsets, log_q=log_q, **columns)

    def split_by_time(self, validation: float, held_out: float) -> tuple[Self, Self, Self]:
        """Training, validation and held-out requests: the earliest, the next and the latest by share."""
        order = np.argsort(self.occurred_at, kind="stable")
        first = round(len(order) * (1.0 - validation - held_out))
        second = round(len(order) * (1.0 - held_out))
        return self.take(order[:first]), self.take(order[first:second]), self.take(order[second:])
