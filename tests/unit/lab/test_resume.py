"""An import that is cut before or after any call and any write, and repeated, ends like one that was not."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.importing import held, import_events, import_items, import_links, import_pictures
from lab.importing.checkpoint import ImportFolder
from lab.importing.held import HeldStore
from lab.importing.importer import ImportJob, held_store, run_import
from lab.importing.ledger import Ledger
from lab.importing.problems import FileRefused
from lab.importing.reconcile import Reconcile
from lab.importing.report import ImportReport
from lab.importing.spool import Spool
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TIMES = {"seconds", "lines_per_second", "resumed_rows", "file"}


class Cut(BaseException):
    """The process is killed here."""


class Scissors:
    """Cuts at the n-th place."""

    def __init__(self) -> None:
        self.places_left = -1

    def snip(self) -> None:
        self.places_left -= 1
        if self.places_left == 0:
            raise Cut

    def rest(self) -> None:
        """Cut no more, and let what was under way arrive before the import is repeated."""
        self.places_left = -1
        for thread in threading.enumerate():
            if thread.name.startswith("send "):
                thread.join()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def cut_around(*values: Any, **named: Any) -> Any:
            self.snip()
            answer = call(*values, **named)
            self.snip()
            return answer

        return cut_around


CALLS = (
    "send_items", "send_events", "send_event_columns", "send_campaign", "missing_item_ids", "full_items", "item_pages",
    "put_links", "reconcile_items",
)  # fmt: skip


class CutServices(PretendServices):
    """Services whose every call can be cut before it arrives and after it is done."""

    def __init__(self, scissors: Scissors, **options: Any) -> None:
        super().__init__(**options)
        for name in CALLS:
            setattr(self, name, scissors.around(getattr(self, name)))


@pytest.fixture
def scissors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scissors]:
    made = Scissors()
    monkeypatch.setattr(import_events, "EVENTS_A_STREAM", 3)
    monkeypatch.setattr(import_events, "BATCHES_A_STREAM", 2)
    monkeypatch.setattr("lab.importing.reading.parquet._ROWS_IN_COLUMNS", 2)
    monkeypatch.setattr(import_items, "ITEMS_A_STREAM", 2)
    monkeypatch.setattr(import_links, "ROWS_A_BATCH", 3)
    monkeypatch.setattr(import_pictures, "ITEMS_AT_ONCE", 2)
    for owner, name in (
        (ImportFolder, "save"), (Ledger, "commit"), (Spool, "seal"), (HeldStore, "hold"), (HeldStore, "arrived"),
        (HeldStore, "settle"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, made.around(getattr(owner, name)))
    # Hundreds of stores are made: waiting for the disk would be all that they do.
    monkeypatch.setattr(held, "_SCHEMA", f"PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; {held._SCHEMA}")
    monkeypatch.setattr("lab.importing.checkpoint.os.fsync", made.around(lambda _: None))
    yield made


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {"item_id": f"i{number}", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR", **changes}


def event(number: int, **changes: Any) -> dict[str, Any]:
    row = {"event_id": f"e{number}", "action": "view", "user_id": "u", "item_id": f"i{number % 5}"}
    return {**row, "occurred_at": "2026-01-31T11:00:00Z", **changes}


def campaign(number: int, **changes: Any) -> dict[str, Any]:
    return {"campaign_id": f"c{number}", "starts_at": "2026-01-01", "ends_at": "2026-02-01", **changes}


FILES: dict[str, list[dict[str, Any]]] = {
    "items": [
        item(1), item(2), item(2), item(3, price_minor=-1), item(4), item(4, stock=2), item(5, images=["none.jpg"]),
        item(6), item(7), item(8, titles={}), item(9, category="Tea"),
    ],
    "changes": [item(1), item(1, stock=0), item(2, price_minor=""), item(3), item(1), item(4)],
    "events": [
        *(event(n) for n in range(8)), event(3), event(4, user_id="v"), event(9, action="gaze"), event(10), event(11),
        event(12, occurred_at="2030-01-01"), event(13), event(13), event(14),
    ],
    "events without ids": [
        {**event(n % 4, event_id=""), "user_id": f"u{n % 3}"} for n in range(14)
    ] + [event(1, event_id="", action="gaze")],
    "events of Parquet": [event(n, event_id="") for n in (1, 2, 1, 3, 1, 2, 4, 1)] + [event(5, action="gaze")] * 2,
    "pictures": [
        {"item_id": "i1", "image": "http://a.b/a.jpg"}, {"item_id": "i1", "image": "http://a.b/b.jpg"},
        {"item_id": "i8", "image": "http://a.b/c.jpg"}, {"item_id": "i2", "image": "http://a.b/c.jpg"},
        {"item_id": "i8", "image": "http://a.b/d.jpg"}, {"item_id": "i3", "image": "none.jpg"}, {"image": "x"},
        {"item_id": "i1", "image": "http://a.b/a.jpg"}, {"item_id": "i4", "image": "http://a.b/a.jpg"},
    ],
    "links": [
        {"item_id": f"i{n % 4}", "linked_item_id": f"i{n % 5 + 4}", "relation": "related"} for n in range(9)
    ] + [{"item_id": "i1", "linked_item_id": "i1", "relation": "upsell"}, {"item_id": "i1", "relation": "x"}],
    "campaigns": [
        campaign(1), campaign(2, ends_at="never"), campaign(3, item_filter={"item_ids": ["i1", "i9"]}), campaign(4),
        campaign(5, item_filter={"item_id": "i1"}),
    ],
}  # fmt: skip


class House:
    """One shop with its work folder and the file to import."""

    def __init__(self, folder: Path, name: str, scissors: Scissors) -> None:
        folder.mkdir()
        rows, kind = FILES[name], name.split(" ", maxsplit=1)[0]
        self.kind, self.folder = kind, folder
        self.file = folder / ("rows.parquet" if "of Parquet" in name else "rows.jsonl")
        if self.file.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), self.file)
        else:
            self.file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        known = [] if kind in ("items", "changes") else [f"i{n}" for n in range(1, 5)]
        self.services = CutServices(scissors, known_items=known, refused_items={"i6": "price"})
        if kind == "items":  # what waits for items of this file
            self.run("pictures", [{"item_id": "i9", "image": "http://a.b/z.jpg"}])
            self.run("campaigns", [campaign(9, item_filter={"item_ids": ["i2", "i9"]})])

    def run(self, kind: str, rows: list[dict[str, Any]]) -> None:
        file = self.folder / f"{kind}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert run_import(self._job(kind, file), self.services, NOW).held == len(rows)  # type: ignore[arg-type]

    def import_it(self, **options: Any) -> ImportReport:
        if self.kind == "items":
            options["whole"] = Reconcile(allow_losses=True)
        job = self._job(self.kind, self.file, rejects=self.folder / "rejects.jsonl", **options)
        return run_import(job, self.services, NOW)  # type: ignore[arg-type]

    def end(self, report: ImportReport) -> dict[str, Any]:
        """Everything that must not depend on cuts."""
        told = {name: value for name, value in report.as_dict().items() if name not in TIMES}
        told = json.loads(json.dumps(told).replace(str(self.folder), ""))
        if self.kind == "events":  # durable but not yet acknowledged when it was cut: the service knew them
            again = told["merged_by"].pop("recorded before", 0)
            told["imported"] += again
            told["merged"] -= again
        told["service"] = told["service"].get("rejected_count", 0)
        joined = told.pop("joined")
        store = held_store(self.folder / "work", "shop")
        waiting = [(each.kind, each.item_id, each.row_count, each.first_line) for each in store.summary()]
        store.close()
        return {
            "report": told, "joined": sum(joined.values()) if not report.resumed_rows else None, "held": waiting,
            "rejects": (self.folder / "rejects.jsonl").read_text(encoding="utf-8").replace(str(self.folder), ""),
            "items": self.services.items, "events": self.services.events,
            "campaigns": {each.campaign_id: each for each in self.services.campaigns},
            "left": sorted(path.name for path in (self.folder / "work" / "imports" / "shop").glob("*-*")),
        }  # fmt: skip

    def _job(self, kind: Any, file: Path, **options: Any) -> ImportJob:
        return ImportJob(kind, file, "shop", work=self.folder / "work", **options)


@pytest.mark.parametrize("kind", FILES)
def test_cut_anywhere_and_repeated_it_ends_alike(tmp_path: Path, scissors: Scissors, kind: str) -> None:
    whole = House(tmp_path / "whole", kind, scissors)
    expected = whole.end(whole.import_it())
    assert expected["left"] == []
    for place in range(1, 1_000):
        house = House(tmp_path / f"cut-{place}", kind, scissors)
        scissors.places_left = place
        try:
            house.import_it()
            break  # there were fewer places
        except Cut:
            scissors.rest()
        ended = house.end(house.import_it())
        if ended["joined"] is None or expected["joined"] != ended["joined"]:
            ended["joined"] = expected["joined"]  # what the killed run joined is told by nobody; the stores agree
        assert ended == expected, place
    assert place > 20
    scissors.places_left = -1


@pytest.mark.parametrize("kind", FILES)
def test_cut_again_and_again_it_still_ends_alike(tmp_path: Path, scissors: Scissors, kind: str) -> None:
    whole = House(tmp_path / "whole", kind, scissors)
    expected = whole.end(whole.import_it())
    house = House(tmp_path / "cut", kind, scissors)
    for gap in range(1, 200):
        scissors.places_left = 9 + gap
        try:
            report = house.import_it()
            break
        except Cut:
            scissors.rest()
    ended = house.end(report)
    assert (ended["rejects"], ended["held"], ended["items"]) == (
        expected["rejects"],
        expected["held"],
        expected["items"],
    )
    assert (ended["events"], ended["campaigns"]) == (expected["events"], expected["campaigns"])
    assert ended["report"] == expected["report"]


@pytest.mark.parametrize(
    ("name", "file"),
    [("items", "spool.sqlite3"), ("pictures", "spool.sqlite3"), ("events without ids", "contents.bin")],
)
def test_what_a_checkpoint_relies_on_is_on_the_disk_before_it(
    tmp_path: Path, scissors: Scissors, monkeypatch: pytest.MonkeyPatch, name: str, file: str
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        "os.fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
    )
    house = House(tmp_path / "house", name, scissors)
    synced.clear()
    house.import_it()
    begun = synced.index("checkpoint.json.new")
    assert file in synced[:begun]
    assert synced[begun + 1].startswith(house.kind)


def test_restart_begins_at_the_beginning(tmp_path: Path, scissors: Scissors) -> None:
    house = House(tmp_path / "house", "events", scissors)
    scissors.places_left = 40
    with pytest.raises(Cut):
        house.import_it()
    scissors.rest()
    report = house.import_it(restart=True)
    assert (report.resumed_rows, report.read) == (0, len(FILES["events"]))
    assert report.merged_by["recorded before"] > 1


def test_another_file_or_mapping_begins_at_the_beginning(tmp_path: Path, scissors: Scissors) -> None:
    house = House(tmp_path / "house", "events", scissors)
    scissors.places_left = 40
    with pytest.raises(Cut):
        house.import_it()
    scissors.rest()
    house.file.write_text(house.file.read_text() + json.dumps(event(99)) + "\n", encoding="utf-8")
    report = house.import_it()
    assert (report.resumed_rows, report.read) == (0, len(FILES["events"]) + 1)


def test_two_processes_do_not_import_the_same_file_at_once(tmp_path: Path) -> None:
    first, second = ImportFolder(tmp_path / "one"), ImportFolder(tmp_path / "one")
    first.enter(restart=False)
    first.rejects.write_text("of the first", encoding="utf-8")
    with pytest.raises(FileRefused, match="another process"):
        second.enter(restart=False)
    second.leave(finished=False)
    assert (first.entered, second.entered, first.rejects.read_text()) == (True, False, "of the first")
    first.leave(finished=True)
    assert not (tmp_path / "one").exists()


def test_the_same_import_started_twice_takes_nothing_from_the_first(tmp_path: Path) -> None:
    path, rejects = tmp_path / "items.jsonl", tmp_path / "rejects.jsonl"
    path.write_text(json.dumps(item(1)) + "\n", encoding="utf-8")
    rejects.write_text("the user's", encoding="utf-8")
    job = ImportJob("items", path, "shop", rejects=rejects, work=tmp_path / "work")

    class Twice(PretendServices):
        def send_items(self, shop_id: str, items: Any) -> Any:
            with pytest.raises(FileRefused, match="another process"):
                run_import(job, PretendServices(), NOW)  # type: ignore[arg-type]
            assert rejects.read_text(encoding="utf-8") == "the user's"
            return super().send_items(shop_id, items)

    report = run_import(job, Twice(), NOW)  # type: ignore[arg-type]
    assert (report.imported, rejects.read_text(encoding="utf-8")) == (1, "")


def test_a_file_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    job = ImportJob("events", tmp_path / "none.jsonl", "shop", work=tmp_path / "work")
    with pytest.raises(FileRefused):
        run_import(job, PretendServices(), NOW)  # type: ignore[arg-type]
    assert list((tmp_path / "work" / "imports" / "shop").iterdir()) == []
