"""Position bias: the chance that a slot is looked at, by device, row and column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.boutique.users import DEVICES

ROWS, COLUMNS = 16, 12
"""Size of an examination table: every page the boutique or a composer lays out fits into it."""


@dataclass(frozen=True)
class Gaze:
    """How a device is read: `top * exp(−row_decay * row − column_decay * column)`."""

    top: float
    row_decay: float
    column_decay: float
    columns: int
    """Columns of the boutique's own pages on this device."""
    rows: tuple[int, int]
    """Fewest and most rows of its own pages."""


GAZES: dict[str, Gaze] = {
    "desktop": Gaze(top=0.95, row_decay=0.20, column_decay=0.07, columns=6, rows=(2, 9)),
    "tablet": Gaze(top=0.94, row_decay=0.24, column_decay=0.09, columns=4, rows=(2, 9)),
    "phone": Gaze(top=0.97, row_decay=0.13, column_decay=0.16, columns=2, rows=(4, 14)),
}


def examination(device: str) -> NDArray[np.float64]:
    """P(examined) at every row and column, [ROWS, COLUMNS].

    Raises:
        KeyError: the device is none of desktop, tablet, phone.

    """
    gaze = GAZES[device]
    rows, columns = np.arange(ROWS)[:, None], np.arange(COLUMNS)[None, :]
    return np.asarray(gaze.top * np.exp(-gaze.row_decay * rows - gaze.column_decay * columns))


def examination_tables() -> NDArray[np.float64]:
    """All devices in the order of `DEVICES`, [devices, ROWS, COLUMNS]."""
    return np.stack([examination(device) for device in DEVICES])
