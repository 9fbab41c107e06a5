"""The visits of simulated users, written as a shop would export its events."""

import gzip
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.simulation.shelves import Shelves
from lab.simulation.tastes import Taste, draw_taste

ROWS = 5
COLUMNS = {"desktop": 5, "tablet": 4, "phone": 2}
DAY_S = 86_400
_SECTIONS = ("popular", "for_you", "new_arrivals", "for_you", "popular")

Event = dict[str, Any]


@dataclass(frozen=True)
class SimulationOptions:
    """How much is simulated."""

    users: int
    days: int
    seed: int
    end: datetime
    """No event is later than this."""


def simulate_history(
    items: Shelves, options: SimulationOptions, path: Path, progress: Callable[[int], None] = lambda _done: None
) -> int:
    """Write the events of all users in time order; return how many. The same arguments give the same file."""
    rng = np.random.default_rng(options.seed)
    appeal = rng.normal(0.0, 1.0, len(items))
    events: list[Event] = []
    for number in range(options.users):
        events += _life(items, draw_taste(items, appeal, rng), number, options, rng)
        progress(number + 1)
    events.sort(key=lambda event: (event["occurred_at"], event["session_id"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as plain, gzip.GzipFile("", "wb", 6, plain, mtime=0) as packed:
        for place, event in enumerate(events):
            line = {"event_id": f"simulated-{options.seed}-{place:08d}", **event}
            packed.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
    return len(events)


def examined(row: int, column: int, device: str) -> float:
    """P(the slot is looked at): falls with the row, and with the column on wide screens."""
    by_row = 0.75 if device == "phone" else 0.85
    return float(0.95 * by_row**row * (0.97 if device == "phone" else 0.93) ** column)


def _life(
    items: Shelves, taste: Taste, number: int, options: SimulationOptions, rng: np.random.Generator
) -> list[Event]:
    visits = max(1, int(rng.poisson(taste.visits_a_week * options.days / 7)))
    moments = np.sort(rng.uniform(0.0, options.days * DAY_S - 1_800, visits))
    events: list[Event] = []
    for visit, offset in enumerate(moments.tolist()):
        start = options.end - timedelta(days=options.days) + timedelta(seconds=offset)
        head = {
            "user_id": f"simulated-{number:05d}",
            "session_id": f"simulated-session-{options.seed}-{number:05d}-{visit}",
            "device": taste.device,
            "channel": "web" if taste.device == "desktop" else "app",
            "locale": "en",
        }
        events += _visit(items, taste, head, start, rng)
    return events


def _visit(
    items: Shelves, taste: Taste, head: dict[str, Any], start: datetime, rng: np.random.Generator
) -> Iterator[Event]:
    if rng.random() < 0.25:
        wanted = items.titles[int(rng.choice(len(items), p=taste.leaning))]
        yield {**head, "action": "search", "occurred_at": _at(start), "query": wanted[:120]}
    columns = COLUMNS[taste.device]
    shown = _page(items, taste, ROWS * columns, rng)
    clock = start + timedelta(seconds=2)
    for place, item in enumerate(shown.tolist()):
        row, column = divmod(place, columns)
        if rng.random() > examined(row, column, taste.device):
            continue
        slot = {
            "page_id": f"{head['session_id']}-page", "section_id": f"{_SECTIONS[row]}:{row}", "row": row,
            "column": column,
        }  # fmt: skip
        yield {**head, "action": "impression", "occurred_at": _at(clock), "item_id": items.item_ids[item], **slot}
        clock += timedelta(seconds=float(rng.exponential(1.5)))
        if rng.random() < 1.0 / (1.0 + math.exp(-float(taste.click_log_odds[item]))):
            for event in _after_click(items, taste, item, clock, rng):
                placed = slot if event["action"] == "click" else {}
                yield {**head, **event, **placed}
            clock += timedelta(seconds=float(rng.exponential(30.0)))


def _after_click(items: Shelves, taste: Taste, item: int, clock: datetime, rng: np.random.Generator) -> Iterator[Event]:
    item_id = items.item_ids[item]
    yield {"action": "click", "occurred_at": _at(clock), "item_id": item_id}
    yield {"action": "view", "occurred_at": _at(clock + timedelta(seconds=1)), "item_id": item_id}
    if rng.random() < 0.10:
        yield {"action": "favourite", "occurred_at": _at(clock + timedelta(seconds=9)), "item_id": item_id}
    if rng.random() < 2.0 * taste.buys:
        money = {"price_minor": int(items.price_minor[item]), "currency": items.currency[item], "quantity": 1}
        yield {"action": "cart", "occurred_at": _at(clock + timedelta(seconds=15)), "item_id": item_id, **money}
        if rng.random() < 0.5:
            yield {"action": "purchase", "occurred_at": _at(clock + timedelta(seconds=25)), "item_id": item_id, **money}


def _page(items: Shelves, taste: Taste, slots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """What an earlier shop system showed: half at random, half near the user's leaning, each item once."""
    slots = min(slots, len(items))
    leaning = 0.5 * taste.leaning + 0.5 / len(items)
    return rng.choice(len(items), size=slots, replace=False, p=leaning / leaning.sum())


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
