"""Rows that name items which are not there wait in the holding store and are joined when the items come."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.importing.importer import ImportJob, held_store, run_import
from lab.importing.joining import join_held
from lab.importing.known_items import KnownItems
from lab.importing.report import ImportReport
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PICTURES = [{"item_id": "i1", "image": "https://shop.example/1.jpg"}, {"item_id": "i2", "image": "none.jpg"}]
CAMPAIGN = {"campaign_id": "c1", "starts_at": "2026-01-01", "ends_at": "2026-02-01"}


@pytest.fixture
def services() -> PretendServices:
    return PretendServices()


def item(item_id: str) -> dict[str, Any]:
    return {"item_id": item_id, "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR"}


def do(folder: Path, kind: Any, rows: list[Any], services: Any) -> ImportReport:
    path = folder / f"{kind}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return run_import(ImportJob(kind, path, "shop", work=folder / "work"), services, NOW)


def waiting(folder: Path) -> list[tuple[str, str, int, str]]:
    store = held_store(folder / "work", "shop")
    found = [(each.kind, each.item_id, each.row_count, each.refused) for each in store.summary()]
    store.close()
    return sorted(found)


def test_pictures_wait_for_their_items_and_are_joined(tmp_path: Path, services: PretendServices) -> None:
    report = do(tmp_path, "pictures", PICTURES, services)
    assert (report.read, report.imported, report.held, report.rejected) == (2, 0, 2, 0)
    assert waiting(tmp_path) == [("pictures", "i1", 1, ""), ("pictures", "i2", 1, "")]
    report = do(tmp_path, "items", [item("i1")], services)
    assert report.joined == {"pictures imported": 1}
    assert services.items["i1"].images[0].url == "https://shop.example/1.jpg"
    assert waiting(tmp_path) == [("pictures", "i2", 1, "")]


def test_what_is_refused_when_its_item_comes_stays_with_the_reason(tmp_path: Path, services: PretendServices) -> None:
    do(tmp_path, "pictures", PICTURES, services)
    report = do(tmp_path, "items", [item("i1"), item("i2")], services)
    assert report.joined == {"pictures imported": 1, "pictures rejected": 1}
    ((kind, item_id, count, refused),) = waiting(tmp_path)
    assert (kind, item_id, count) == ("pictures", "", 1)
    assert "none.jpg" in refused
    assert do(tmp_path, "items", [item("i3")], services).joined == {}
    store = held_store(tmp_path / "work", "shop")
    store.retry_refused()
    assert join_held(store, "shop", services, NOW) == {"pictures rejected": 1}  # type: ignore[arg-type]
    assert (store.drop("links"), store.drop("pictures"), store.summary()) == (0, 1, [])
    store.close()


def test_a_campaign_waits_for_all_the_items_it_names(tmp_path: Path, services: PretendServices) -> None:
    row = {**CAMPAIGN, "item_filter": {"item_ids": ["i1", "i2"]}}
    assert do(tmp_path, "campaigns", [row, {**CAMPAIGN, "campaign_id": "c2"}], services).held == 1
    assert [each.campaign_id for each in services.campaigns] == ["c2"]
    assert do(tmp_path, "items", [item("i1")], services).joined == {}
    assert waiting(tmp_path) == [("campaigns", "i2", 1, "")]
    assert do(tmp_path, "items", [item("i2")], services).joined == {"campaigns imported": 1}
    assert [each.campaign_id for each in services.campaigns] == ["c2", "c1"]


def test_the_same_file_imported_again_waits_once(tmp_path: Path, services: PretendServices) -> None:
    for _ in range(2):
        assert do(tmp_path, "pictures", PICTURES, services).held == 2
    assert [count for _, _, count, _ in waiting(tmp_path)] == [1, 1]


def test_what_becomes_ready_while_others_are_joined_is_joined_next(tmp_path: Path, services: PretendServices) -> None:
    do(tmp_path, "pictures", PICTURES, services)
    store, other = held_store(tmp_path / "work", "shop"), held_store(tmp_path / "work", "shop")
    store.arrived(["i1"])
    ((origin_id, _),) = store.ready()
    assert [row.values["item_id"] for row in store.rows(origin_id)] == ["i1"]
    other.arrived(["i2"])
    store.settle(origin_id, [])
    assert [row.values["item_id"] for row in store.rows(origin_id)] == ["i2"]
    store.close()
    other.close()


def test_events_are_recorded_at_once_and_counted_as_dangling(tmp_path: Path, services: PretendServices) -> None:
    event = {"event_id": "e1", "action": "view", "user_id": "u", "item_id": "i7", "occurred_at": "2026-01-01"}
    report = do(tmp_path, "events", [event], services)
    assert (report.imported, report.held, report.dangling) == (1, 0, {"items": 1})
    assert [(each.line, each.value) for each in report.samples["dangling items"]] == [(1, "i7")]
    assert waiting(tmp_path) == []


def test_a_campaign_that_waits_is_forgotten_when_a_newer_one_comes(tmp_path: Path, services: PretendServices) -> None:
    do(tmp_path, "items", [item("i1")], services)
    for item_ids in (["i1", "i9"], ["i1", "i8"]):
        row = {**CAMPAIGN, "item_filter": {"item_ids": item_ids}}
        assert do(tmp_path, "campaigns", [row, {**row, "campaign_id": "c2"}], services).held == 2
    assert waiting(tmp_path) == [("campaigns", "i8", 2, "")]
    assert do(tmp_path, "campaigns", [{**CAMPAIGN, "item_filter": {"item_ids": ["i1"]}}], services).imported == 1
    assert do(tmp_path, "items", [item("i8"), item("i9")], services).joined == {"campaigns imported": 1}
    assert [each.campaign_id for each in services.campaigns] == ["c1", "c2"]
    assert [list(each.item_filter.item_ids) for each in services.campaigns] == [["i1"], ["i1", "i8"]]


def test_pictures_that_wait_are_forgotten_when_newer_ones_come(tmp_path: Path, services: PretendServices) -> None:
    for name in ("old", "new"):
        do(tmp_path, "pictures", [{"item_id": "i1", "image": f"https://shop.example/{name}.jpg"}], services)
    assert waiting(tmp_path) == [("pictures", "i1", 1, "")]
    assert do(tmp_path, "items", [item("i1")], services).joined == {"pictures imported": 1}
    assert [each.url for each in services.items["i1"].images] == ["https://shop.example/new.jpg"]


def test_a_dry_run_holds_nothing(tmp_path: Path) -> None:
    report = do(tmp_path, "campaigns", [{**CAMPAIGN, "item_filter": {"item_id": "i1"}}], None)
    assert (report.imported, report.held, waiting(tmp_path)) == (1, 0, [])


def test_known_items_tell_what_is_missing() -> None:
    known = KnownItems([["a", "b"], ["c"]])
    assert (len(known), "a" in known, "d" in known, known.unknown(["c", "d", "", "a", "e"])) == (3, True, False, [1, 4])
    assert KnownItems([]).unknown(["a"]) == [0]
