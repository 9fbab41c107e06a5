"""Histories of very different lengths side by side in strips of one length, so that hardly a place is empty.

A user of n entries gives n − 1 targets: each entry but the first, after what came before it. Padding every user to the
longest would compute mostly pads where the median user has six items; here several users share a strip, told apart by
the number of their piece (as in the packed training of language models; decision 0023).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.leaderboard.histories import Histories

NOTHING = -1
"""At a place that no user has."""


@dataclass(frozen=True)
class Strips:
    """Pieces of histories, each `[strips, length]` int32; a piece lies in neighbouring places of one strip."""

    items: NDArray[np.int32]
    """Item rows, oldest first within a piece; NOTHING at empty places."""
    targets: NDArray[np.int32]
    """The item that came next; NOTHING at empty places."""
    places: NDArray[np.int32]
    """Steps since the piece began, from 0; 0 at empty places."""
    pieces: NDArray[np.int32]
    """Which piece of the strip, from 0; NOTHING at empty places."""

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class _Pieces:
    """Runs of entries, one piece each."""

    starts: NDArray[np.int64]
    """`[pieces]` entry of the first input."""
    sizes: NDArray[np.int64]
    """`[pieces]` inputs, from 1 to the length of a strip."""


def pack(histories: Histories, length: int, random: np.random.Generator) -> Strips:
    """Every target of every user once, in as few strips as best fit finds.

    A user with more than `length` targets is cut into pieces from the newest on, so that the newest has all it can.
    """
    pieces = _cut(histories, length)
    order = random.permutation(len(pieces.sizes))
    pieces = _Pieces(pieces.starts[order], pieces.sizes[order])
    strip_of, offset_of, number_of, strip_count = _fit(pieces.sizes, length)
    steps = _steps(pieces.sizes)
    entries = np.repeat(pieces.starts, pieces.sizes) + steps
    where = (np.repeat(strip_of, pieces.sizes), np.repeat(offset_of, pieces.sizes) + steps)

    def laid(values: NDArray[np.int64] | NDArray[np.int32], empty: int) -> NDArray[np.int32]:
        strips = np.full((strip_count, length), empty, np.int32)
        strips[where] = values
        return strips

    return Strips(
        items=laid(histories.rows[entries], NOTHING),
        targets=laid(histories.rows[entries + 1], NOTHING),
        places=laid(steps, 0),
        pieces=laid(np.repeat(number_of, pieces.sizes), NOTHING),
    )


def windows(histories: Histories, length: int) -> Strips:
    """One strip a user with its newest entries from the first place on, for scoring; there are no targets."""
    newest = histories.newest(length)
    steps = _steps(newest.sizes)
    where = (newest.owners(), steps)
    shape = (len(newest), length)
    items, places, pieces = np.full(shape, NOTHING, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    items[where], places[where] = newest.rows, steps
    pieces[items == NOTHING] = NOTHING
    return Strips(items, np.full(shape, NOTHING, np.int32), places, pieces)


def _cut(histories: Histories, length: int) -> _Pieces:
    inputs = np.maximum(histories.sizes - 1, 0)
    counts = -(-inputs // length)
    ends = np.repeat(histories.starts[1:] - 1, counts) - length * _steps(counts)
    starts = np.maximum(ends - length, np.repeat(histories.starts[:-1], counts))
    return _Pieces(starts, ends - starts)


def _steps(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … within each run of the given sizes."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return np.asarray(np.arange(starts[-1]) - np.repeat(starts[:-1], sizes), np.int64)


def _fit(sizes: NDArray[np.int64], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Strip, first place and number within the strip of each piece, and how many strips there are: best fit."""
    with_room: list[list[int]] = [[] for _ in range(length + 1)]
    strip_of, offset_of, number_of = (np.zeros(len(sizes), np.int64) for _ in range(3))
    pieces_in: list[int] = []
    for piece, size in enumerate(sizes.tolist()):
        room = next((room for room in range(size, length + 1) if with_room[room]), None)
        if room is None:
            room, strip = length, len(pieces_in)
            pieces_in.append(0)
        else:
            strip = with_room[room].pop()
        strip_of[piece], offset_of[piece], number_of[piece] = strip, length - room, pieces_in[strip]
        pieces_in[strip] += 1
        with_room[room - size].append(strip)
    return strip_of, offset_of, number_of, len(pieces_in)
