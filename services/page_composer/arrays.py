"""Names for the array types that pages are thought in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NONE = -1
"""In arrays of positions: nothing."""


A_FEW = 8


def among(values: Ints, wanted: Sequence[int]) -> Bools:
    """`[n]` which values are wanted. One or two are usual: these are compared faster than NumPy makes a set of them."""
    if len(wanted) > A_FEW:
        return np.asarray(np.isin(values, wanted), np.bool_)
    mask = np.zeros(len(values), np.bool_)
    for each in wanted:
        mask |= values == each
    return mask
