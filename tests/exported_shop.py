"""A shop's exported files made up for preparation: small, and with everything that engines like to disagree on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lab.exporting.tables import TABLES

END = datetime(2024, 3, 1, 0, 0, 0, 1, tzinfo=UTC)
"""The newest event: a microsecond after the end of a leap year's February."""
ACTIONS = ("impression", "view", "click", "cart", "purchase", "search", "hide")


def moment_us(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000


def event(event_id: str, action: str, at_us: int, user: str | None, item: str | None = None, **rest: Any) -> dict:
    row = dict.fromkeys(TABLES["events"].columns)
    row |= {"event_id": event_id, "action": action, "occurred_at": at_us, "user_pseudonym": user, "item_id": item}
    return row | rest


def nasty_events() -> list[dict[str, Any]]:
    """Nulls, equal times, microseconds at the edges of hours, days, months and years, texts of several scripts."""
    edge = moment_us(2024, 3, 1)
    rows = [
        event("last", "purchase", edge + 1, "anna", "apple", price_minor=199, currency="EUR", quantity=2),
        event("same-b", "view", edge - 1, "anna", "apple", device="phone", region="DE-BE", locale="de-DE"),
        event("same-a", "view", edge - 1, "anna", "pear", device="desktop", region="de"),
        event("same-c", "cart", edge - 1, "anna", "pear"),
        event("session", "view", edge - 1_000_000, None, "apple", session_pseudonym="tab"),
        event("both", "click", edge, "bert", "apple", session_pseudonym="tab", page_id="p", row=0, column=3),
        event("shown", "impression", edge, "bert", "apple", page_id="p", section_id="s", row=0, column=3),
        event("shown-2", "impression", edge, "bert", "pear", page_id="p", section_id="s", row=0, column=4),
        event("words", "search", moment_us(2023, 12, 31, 23, 59, 59), "çelik", query="Grüße, 'O\"Neil' 连衣裙\n; --"),
        event("unknown", "view", moment_us(2024, 2, 29, 12), "çelik", "no-such-item"),
        event("Unicode", "purchase", moment_us(2023, 3, 26, 1, 30), "çelik", "Äpfel", region="CN-31"),
        event("unicode", "purchase", moment_us(2023, 10, 29, 2, 30), "Çelik", "äpfel"),
        event("", "hide", moment_us(2024, 1, 31, 23), "anna", "apple"),
        event("old", "view", moment_us(2000, 1, 1), "zoë", "😀"),
    ]
    for number in range(200):
        at_us = edge - number * 7_919_000_001 - number % 3
        item = f"item-{number * number % 40:02}"
        rows.append(event(f"event-{number}", ACTIONS[number % len(ACTIONS)], at_us, f"user-{number % 9}", item))
    return rows


def nasty_items() -> list[dict[str, Any]]:
    """Prices of 0, departments below and above the least size, no category, a slash too many."""
    rows = [
        item_row("apple", 50, "Food/Fruit"),
        item_row("pear", 0, "Food/Fruit"),
        item_row("Äpfel", 999, None),
        item_row("äpfel", 1, "/Odd//"),
        item_row("😀", 10**12, "Größe/連衣裙"),
    ]
    return rows + [item_row(f"item-{n:02}", 100 + n * n % 37, f"Food/{n % 3}" if n % 4 else "Home") for n in range(40)]


def item_row(item_id: str, price_minor: int, category: str | None) -> dict[str, Any]:
    row = dict.fromkeys(TABLES["items"].columns)
    row |= {"item_id": item_id, "family_id": item_id, "category": category, "price_minor": price_minor}
    row |= {"currency": "EUR", "titles": {"en": item_id}, "attributes": {}, "regions": [], "minimum_age": 0}
    return row | {"image_count": 0, "created_at": moment_us(2024, 2, 28, 23, 59, 59)}


def write_exported(folder: Path, events: list[dict[str, Any]], items: list[dict[str, Any]]) -> Path:
    """Write both files as `vitrine export` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in (("events", events), ("items", items)):
        pq.write_table(pa.Table.from_pylist(rows, schema=TABLES[kind].schema), folder / f"{kind}.parquet")
    return folder
