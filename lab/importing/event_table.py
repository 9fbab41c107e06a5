"""Rows of a batch as the columns of the contract, each as long as the batch."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.importing.packing import NUMBERS, TEXTS, common_content, content_of, contents, number_column, text_column
from lab.importing.shape import Shape, event_shape
from vitrine.user_profile.v1 import user_profile_pb2 as pb

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_COMMON = (
    "quantities", "price_amounts_minor", "price_currencies", "channels", "regions", "locales", "tracking_tokens",
    "devices",
)  # fmt: skip


class EventTable:
    """What is in `accepted` rows; other rows hold anything."""

    def __init__(
        self, event_ids: list[str], numbers: dict[str, Numbers], texts: dict[str, tuple[list[str], Numbers]]
    ) -> None:
        count = len(event_ids)
        nothing = np.zeros(count, np.int64)
        self.event_ids = event_ids
        self.accepted: Flags = np.zeros(count, np.bool_)
        self.filled: Counter[str] = Counter()
        """What was filled in the rows that were taken in columns."""
        self._numbers = {name: numbers.get(name, nothing) for name in NUMBERS}
        self._texts = {name: texts.get(name, ([""], nothing)) for name in TEXTS}
        self._put: dict[int, pb.Event] = {}

    def put(self, row: int, event: pb.Event) -> None:
        """Accept a row with what an event says."""
        self.accepted[row] = True
        self.event_ids[row] = event.event_id
        self._put[row] = event

    def settle(self) -> None:
        """Write what was put into the columns."""
        if not self._put:
            return
        for name, number in NUMBERS.items():
            column = self._numbers[name] = self._numbers[name].copy()
            for row, event in self._put.items():
                column[row] = number(event)
        for name, text in TEXTS.items():
            values, places = self._texts[name]
            values, places = list(values), places.copy()
            for row, event in self._put.items():
                places[row] = len(values)
                values.append(text(event))
            self._texts[name] = values, places

    def rows(self) -> Numbers:
        """Return the accepted rows."""
        return np.flatnonzero(self.accepted)

    def seconds(self, rows: Numbers) -> list[int]:
        """Return when events happened, in seconds since 1970."""
        seconds: list[int] = (self._numbers["occurred_at_us"][rows] // 1_000_000).tolist()
        return seconds

    def contents(self, rows: Numbers) -> list[str]:
        """Return what events say, all but their ids; equal to `content_of`."""
        commons = list(zip(*(self._taken(name, rows) for name in _COMMON), strict=True))
        said = {common: common_content(*common) for common in set(commons)}
        own = zip(
            *(self._taken(name, rows) for name in ("actions", "occurred_at_us", "user_ids", "session_ids", "item_ids")),
            [said[common] for common in commons],
            strict=True,
        )
        made = contents(own)
        if self._put:
            for place, row in enumerate(rows.tolist()):
                if row in self._put:
                    made[place] = content_of(self._put[row])
        return made

    def unknown_items(self, unknown: Any, rows: Numbers) -> list[tuple[int, str]]:
        """Return (row, item) of the rows whose item is unknown; `unknown` answers positions in a list of ids."""
        values, places = self._texts["item_ids"]
        lacking = np.zeros(len(values), np.bool_)
        lacking[unknown(values)] = True
        return [(row, values[places[row]]) for row in rows[lacking[places[rows]]].tolist()]

    def shape(self, rows: Numbers) -> Shape:
        """Return what some rows look like, for the report's plots."""
        who = zip(self._taken("user_ids", rows), self._taken("session_ids", rows), strict=True)
        return event_shape(self._taken("actions", rows), self.seconds(rows), [user or session for user, session in who])

    def columns(self, rows: Numbers) -> pb.EventColumns:
        """Return the message of some rows."""
        message: dict[str, Any] = {"event_ids": [self.event_ids[row] for row in rows.tolist()]}
        for name, numbers in self._numbers.items():
            message[name] = number_column(numbers[rows].tolist())
        for name, (values, places) in self._texts.items():
            message[name] = text_column(values, () if len(values) == 1 else places[rows].tolist())
        return pb.EventColumns(**message)

    def _taken(self, name: str, rows: Numbers) -> Sequence[Any]:
        if name in self._numbers:
            numbers: list[int] = self._numbers[name][rows].tolist()
            return numbers
        values, places = self._texts[name]
        texts: list[str] = np.array(values, object)[places[rows]].tolist()
        return texts
