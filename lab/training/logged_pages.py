"""From events to logged pages: what was shown where, what was clicked, what was bought after.

A click belongs to the page it names. A purchase belongs to a clicked impression of the same person and item when it
came within a day after the click; each purchase counts once, for the latest such click.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.training.shop_data import DAY_US, EventColumns
from vitrine.common.v1 import common_pb2

IMPRESSION: Final = common_pb2.ACTION_IMPRESSION
CLICK: Final = common_pb2.ACTION_CLICK
PURCHASE: Final = common_pb2.ACTION_PURCHASE

PURCHASE_WITHIN_US: Final = DAY_US


@dataclass(frozen=True)
class LoggedPage:
    """One page that was shown."""

    event: int
    """Number of the page's first impression: who, when, where."""
    subject: int
    occurred_us: int
    items: NDArray[np.int32]
    """`[n]` item numbers, each once, from top left to bottom right."""
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    clicked: NDArray[np.bool_]
    purchased: NDArray[np.bool_]


def logged_pages(events: EventColumns) -> list[LoggedPage]:
    """All pages with at least one impression of a known item, in time order."""
    shown = np.flatnonzero((events.action == IMPRESSION) & (events.page >= 0) & (events.item >= 0))
    if not len(shown):
        return []
    clicked = _clicks(events)
    purchased = _purchased_clicks(events, clicked)
    order = shown[np.lexsort((events.column[shown], events.row[shown], events.page[shown]))]
    starts = np.flatnonzero(np.diff(events.page[order], prepend=-1))
    pages = [_page(events, part, clicked, purchased) for part in np.split(order, starts[1:])]
    return sorted(pages, key=lambda page: (page.occurred_us, page.event))


def _page(
    events: EventColumns,
    shown: NDArray[np.int64],
    clicked: Mapping[tuple[int, int], int],
    purchased: set[tuple[int, int]],
) -> LoggedPage:
    _, first = np.unique(events.item[shown], return_index=True)
    kept = shown[np.sort(first)]
    earliest = int(shown[np.argmin(events.occurred_us[shown])])
    keys = [(int(events.page[earliest]), item) for item in events.item[kept].tolist()]
    return LoggedPage(
        event=earliest,
        subject=int(events.subject[earliest]),
        occurred_us=int(events.occurred_us[earliest]),
        items=events.item[kept],
        rows=events.row[kept],
        columns=events.column[kept],
        clicked=np.array([key in clicked for key in keys], np.bool_),
        purchased=np.array([key in purchased for key in keys], np.bool_),
    )


def _clicks(events: EventColumns) -> dict[tuple[int, int], int]:
    """(page, item) → event number of the first click there."""
    clicks: dict[tuple[int, int], int] = {}
    for event in np.flatnonzero((events.action == CLICK) & (events.page >= 0) & (events.item >= 0)).tolist():
        clicks.setdefault((int(events.page[event]), int(events.item[event])), event)
    return clicks


def _purchased_clicks(events: EventColumns, clicks: Mapping[tuple[int, int], int]) -> set[tuple[int, int]]:
    by_person: dict[tuple[int, int], list[tuple[int, tuple[int, int]]]] = {}
    for key, event in clicks.items():
        person = (int(events.subject[event]), key[1])
        by_person.setdefault(person, []).append((int(events.occurred_us[event]), key))
    return {key for key in _latest_clicks(events, by_person) if key is not None}


def _latest_clicks(
    events: EventColumns, by_person: Mapping[tuple[int, int], list[tuple[int, tuple[int, int]]]]
) -> Iterator[tuple[int, int] | None]:
    for event in np.flatnonzero((events.action == PURCHASE) & (events.item >= 0)).tolist():
        at_us = int(events.occurred_us[event])
        before = [
            (clicked_us, key)
            for clicked_us, key in by_person.get((int(events.subject[event]), int(events.item[event])), ())
            if at_us - PURCHASE_WITHIN_US <= clicked_us <= at_us
        ]
        yield max(before)[1] if before else None
