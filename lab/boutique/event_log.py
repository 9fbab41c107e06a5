"""The event log while it grows: columns, collected day by day."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.boutique.calendar import Times
from lab.boutique.catalogue import Column

ACTIONS: tuple[str, ...] = (
    "impression",
    "view",
    "search",
    "click",
    "favourite",
    "cart",
    "purchase",
    "rate",
    "review",
    "comment",
    "like",
    "share",
    "hide",
    "unfavourite",
    "uncart",
    "return",
    "unlike",
)
"""The names of the common contract's Action enum that the boutique uses, lower case."""

NOTHING = -1
"""Stands in a column where an event has no such field."""
FIELDS: tuple[str, ...] = ("item", "page", "section", "row", "column", "quantity", "price_minor", "rating", "words")


@dataclass(frozen=True)
class Events:
    """Events in columns, ordered by time."""

    action: Column
    session: Column
    time_ms: Times
    fields: dict[str, Column]
    """One column for each of FIELDS, NOTHING where absent."""
    words: tuple[str, ...]
    """Queries and texts; `words` numbers them."""
    sections: tuple[str, ...]
    """Section ids; `section` numbers them."""

    @property
    def count(self) -> int:
        """Number of events."""
        return len(self.action)


@dataclass
class EventLog:
    """Collects events in any order."""

    _parts: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)
    _sections: dict[str, int] = field(default_factory=dict)

    def add(self, action: str, session: Column, time_ms: Times, **columns: Column | int) -> None:
        """Add one event for each row of `session`; a field may be one number for all."""
        count = len(session)
        part: dict[str, NDArray[Any]] = {
            "action": np.full(count, ACTIONS.index(action)),
            "session": np.asarray(session, dtype=np.int64),
            "time_ms": np.asarray(time_ms, dtype=np.int64),
        }
        for name, column in columns.items():
            part[name] = np.broadcast_to(np.asarray(column, dtype=np.int64), count)
        if count:
            self._parts.append(part)

    def say(self, text: str) -> int:
        """The number of a query or text."""
        self._words.append(text)
        return len(self._words) - 1

    def section(self, name: str) -> int:
        """The number of a section id."""
        return self._sections.setdefault(name, len(self._sections))

    def ordered(self) -> Events:
        """All events in order of time; those of one moment in the order they were added."""
        names = ("action", "session", "time_ms", *FIELDS)
        columns = {name: np.concatenate([_column(part, name) for part in self._parts]) for name in names}
        order = np.argsort(columns["time_ms"], kind="stable")
        return Events(
            action=columns["action"][order],
            session=columns["session"][order],
            time_ms=columns["time_ms"][order],
            fields={name: columns[name][order] for name in FIELDS},
            words=tuple(self._words),
            sections=tuple(self._sections),
        )


def _column(part: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    return part[name] if name in part else np.full(len(part["action"]), NOTHING)
