"""Simulated users: the events a shop would export, from known tastes."""

import gzip
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.importing.importer import ImportJob, run_import
from lab.simulation.history import SimulationOptions, examined, simulate_history
from lab.simulation.shelves import simulated_items
from vitrine.item_vision.v1 import item_vision_pb2

END = datetime(2026, 1, 31, 12, tzinfo=UTC)


def catalogue() -> list[Any]:
    facts = []
    for number in range(60):
        each = item_vision_pb2.ItemFacts(
            item_id=f"i{number:02d}", category="Women/Tops" if number % 2 else "Men/Tops",
            colour=["red", "blue"][number % 3 // 2], titles={"en": f"Top {number}"}, stock=0 if number == 5 else 3,
        )  # fmt: skip
        each.price.amount_minor, each.price.currency = 1_000 + 100 * number, "USD"
        facts.append(each)
    return facts


def events_of(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "events.jsonl.gz"
    options = SimulationOptions(users=120, days=20, seed=3, end=END)
    simulate_history(simulated_items(catalogue()), options, path)
    return path


def test_the_events_import_without_a_rejection(events: Path) -> None:
    report = run_import(ImportJob("events", events, "shop"), None, END)
    assert report.read == report.imported > 1_000
    assert report.problems == []


def test_the_same_seed_gives_the_same_bytes(events: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.jsonl.gz"
    simulate_history(simulated_items(catalogue()), SimulationOptions(120, 20, 3, END), again)
    assert again.read_bytes() == events.read_bytes()


def test_everybody_is_called_simulated_and_nobody_sees_what_is_sold_out(events: Path) -> None:
    read = events_of(events)
    assert all(event["user_id"].startswith("simulated-") for event in read)
    assert "i05" not in {event.get("item_id") for event in read}
    assert read == sorted(read, key=lambda event: event["occurred_at"])


def test_clicks_come_of_impressions_and_fall_with_the_row(events: Path) -> None:
    read = events_of(events)
    shown = Counter(event["row"] for event in read if event["action"] == "impression")
    clicked = {(e["page_id"], e["item_id"]) for e in read if e["action"] == "click"}
    seen = {(e["page_id"], e["item_id"]) for e in read if e["action"] == "impression"}
    assert clicked <= seen
    assert shown[0] > shown[2] > shown[4]
    assert 0.02 < len(clicked) / len(seen) < 0.25


def test_users_have_tastes(events: Path) -> None:
    departments: dict[str, Counter[str]] = defaultdict(Counter)
    of_item = {each.item_id: each.category.split("/")[0] for each in catalogue()}
    for event in events_of(events):
        if event["action"] == "click":
            departments[event["user_id"]][of_item[event["item_id"]]] += 1
    shares = [max(each.values()) / each.total() for each in departments.values() if each.total() >= 8]
    assert len(shares) > 20
    assert np.mean(shares) > 0.65


def test_what_is_looked_at_falls_along_the_page() -> None:
    assert examined(0, 0, "desktop") > examined(0, 3, "desktop") > examined(2, 3, "desktop") > 0
    assert examined(0, 0, "phone") <= 1.0
