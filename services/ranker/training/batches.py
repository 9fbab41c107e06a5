"""Requests cut into pieces of equal width: the history is read once for many candidates, and shapes stay fixed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.signature import CONTENT_SIZE, Tensors
from services.ranker.training.rows import ImpressionRows

PAD_ROW = -1


@dataclass(frozen=True)
class Pieces:
    """P pieces of at most C rows of one request each."""

    requests: NDArray[np.int64]
    """`[P]`"""
    rows: NDArray[np.int64]
    """`[P, C]` row numbers, −1 pads on the right."""

    def __len__(self) -> int:
        return len(self.requests)


def cut(rows: ImpressionRows, width: int) -> Pieces:
    """Pieces of up to `width` rows, in the order of the requests."""
    lengths = np.diff(rows.offsets)
    counts = -(-lengths // width)
    requests = np.repeat(np.arange(rows.request_count), counts)
    first_piece = np.cumsum(counts) - counts
    place = np.arange(len(requests)) - np.repeat(first_piece, counts)
    starts = rows.offsets[requests] + place * width
    grid = starts[:, None] + np.arange(width)
    return Pieces(requests, np.where(grid < rows.offsets[requests + 1][:, None], grid, PAD_ROW))


def batches(
    rows: ImpressionRows, pieces: Pieces, size: int, random: np.random.Generator | None
) -> Iterator[tuple[Tensors, NDArray[np.int64]]]:
    """Model inputs and `[size, C]` row numbers, batch by batch; the last is filled up with empty pieces.

    Args:
        rows: where the pieces come from.
        pieces: what `cut` made.
        size: pieces a batch.
        random: shuffles the pieces; None keeps their order.

    """
    order = np.arange(len(pieces)) if random is None else random.permutation(len(pieces))
    for start in range(0, len(order), size):
        taken = order[start : start + size]
        grid = np.full((size, pieces.rows.shape[1]), PAD_ROW, np.int64)
        grid[: len(taken)] = pieces.rows[taken]
        requests = np.resize(pieces.requests[taken], size)
        yield _inputs(rows, requests, grid), grid


def _inputs(rows: ImpressionRows, requests: NDArray[np.int64], grid: NDArray[np.int64]) -> Tensors:
    inputs = {name: column[requests] for name, column in rows.visitors().items()}
    safe = np.maximum(grid, 0)
    inputs["candidate_rows"] = np.where(grid >= 0, rows.candidate_rows[safe], PAD_ROW).astype(np.int32)
    inputs["candidate_features"] = rows.candidate_features[safe]
    inputs["new_items"] = np.zeros((0, CONTENT_SIZE), np.float32)
    return inputs
