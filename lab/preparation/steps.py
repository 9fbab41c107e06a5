"""What a prepared table is: a name, an expression over earlier tables, and the key its rows are ordered by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis

Tables = Mapping[str, ibis.Table]
"""`exported_events`, `exported_items`, and the prepared tables so far, by name."""


@dataclass(frozen=True)
class Step:
    """One prepared table."""

    name: str
    make: Callable[[Tables, int], ibis.Table]
    """From the tables so far and the moment of preparation, in microseconds since 1970 UTC."""
    keys: tuple[str, ...]
    """Columns that order the rows; no two rows have the same."""
