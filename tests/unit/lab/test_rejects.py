"""A reject file is mended by editing `row` and imported alone; and values come to no harm on the way."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.importing.importer import ImportJob, run_import
from lab.importing.ledger import Ledger
from lab.importing.problems import FileRefused
from lab.importing.reading.rows import MEND
from lab.importing.report import ImportReport
from lab.importing.tally import Tally
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEADER = "event_id,action,user_id,item_id,occurred_at\n"
SPOILT = (
    "e1,view,u1,i1,2026-01-01T10:00:00Z\ne2,gaze,u1,i1,2026-01-01T10:00:00Z\n"
    "e3,view,u1,i1\ne4,view,u1,i1,soon\ne5,view,u1,i1,2026-01-01T10:00:00Z,x\n"
)


def do(path: Path, rejects: Path, services: PretendServices) -> ImportReport:
    job = ImportJob("events", path, "shop", rejects=rejects, work=path.parent / "work")
    return run_import(job, services, NOW)  # type: ignore[arg-type]


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def first(tmp_path: Path) -> tuple[Path, PretendServices]:
    """A reject file with four entries, of which one has no whole row."""
    path, services = tmp_path / "events.csv", PretendServices(known_items=["i1"])
    path.write_text(HEADER + SPOILT, encoding="utf-8")
    report = do(path, tmp_path / "rejects.jsonl", services)
    assert (report.imported, report.rejected) == (1, 4)
    assert report.reasons == {"action_unknown": 1, "columns": 2, "occurred_at_malformed": 1}
    return tmp_path / "rejects.jsonl", services


def test_mended_rows_are_imported_and_the_others_rejected_again(first: tuple[Path, PretendServices]) -> None:
    path, services = first
    mended = entries(path)
    assert [entry["line"] for entry in mended] == [3, 4, 5, 6]
    assert mended[3]["row"]["(column 6)"] == "x"
    mended[0]["row"]["action"] = "view"
    mended[1]["row"]["occurred_at"] = "2026-01-02T00:00:00Z"
    del mended[1]["row"][MEND]
    write(path, mended)
    before = path.read_bytes()
    again = path.with_name("again.jsonl")
    report = do(path, again, services)
    assert (report.read, report.imported, report.rejected) == (4, 2, 2)
    left = [(entry["line"], entry["reason"]) for entry in entries(again)]
    assert left == [(5, "occurred_at_malformed"), (6, "columns")]
    assert entries(again)[1] == mended[3]
    assert set(services.events) == {"e1", "e2", "e3"}
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".gz", ""])
def test_it_may_be_compressed_and_never_overwrites_itself(first: tuple[Path, PretendServices], ending: str) -> None:
    path, services = first
    packed = path.with_name(f"packed.jsonl{ending}")
    packed.write_bytes(gzip.compress(path.read_bytes()) if ending else path.read_bytes())
    with pytest.raises(FileRefused, match="name another reject file"):
        do(packed, packed, services)
    assert do(packed, path.with_name("again.jsonl"), services).rejected == 4


def test_an_entry_without_a_whole_row_says_how_to_mend_it(tmp_path: Path) -> None:
    path, services = tmp_path / "events.jsonl", PretendServices()
    path.write_text('{"event_id": "e1", "acti\n', encoding="utf-8")
    rejects, again = tmp_path / "rejects.jsonl", tmp_path / "again.jsonl"
    do(path, rejects, services)
    assert entries(rejects)[0]["row"] == '{"event_id": "e1", "acti'
    report = do(rejects, again, services)
    assert report.reasons == {"row_unreadable": 1}
    (entry,) = entries(again)
    assert "as an object" in entry["remedy"]
    assert entry["row"] == '{"event_id": "e1", "acti'


def test_rejected_items_keep_their_pictures_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"picture")
    item = {"item_id": "i1", "titles": {"en": "Tea"}, "currency": "EUR", "images": ["a.jpg"]}
    path, rejects, services = tmp_path / "items.jsonl", tmp_path / "out" / "rejects.jsonl", PretendServices()
    write(path, [item])
    job = ImportJob("items", path, "shop", picture_folder=tmp_path / "pictures", rejects=rejects)
    assert run_import(job, services, NOW).reasons == {"price_missing": 1}  # type: ignore[arg-type]
    (entry,) = entries(rejects)
    write(rejects, [{**entry, "row": {**entry["row"], "price_minor": 5}}])
    job = ImportJob("items", rejects, "shop", picture_folder=tmp_path / "pictures")
    assert run_import(job, services, NOW).imported == 1  # type: ignore[arg-type]
    assert services.items["i1"].images[0].content == b"picture"


@pytest.mark.parametrize(
    ("zone", "written", "hour", "rule"),
    [
        ("", "2026-01-15T10:00:00", 10, "occurred_at: UTC where no time zone is written"),
        ("Europe/Berlin", "2026-01-15T10:00:00", 9, "occurred_at: Europe/Berlin where no time zone is written"),
        ("Europe/Berlin", "2026-01-15 10:00", 9, "occurred_at: Europe/Berlin where no time zone is written"),
        ("Europe/Berlin", "2026-01-15T10:00:00+05:00", 5, None),
        ("Europe/Berlin", "2026-01-15T10:00:00Z", 10, None),
        ("Europe/Berlin", 1768471200, 10, None),
    ],
)
def test_time_zones_are_explicit(tmp_path: Path, zone: str, written: Any, hour: int, rule: str | None) -> None:
    mapping = tmp_path / "own.toml"
    fields = "".join(f'{name} = "{name}"\n' for name in ("event_id", "action", "user_id", "item_id", "occurred_at"))
    mapping.write_text(f'[events]\ntime_zone = "{zone}"\n[events.fields]\n{fields}', encoding="utf-8")
    path, services = tmp_path / "events.jsonl", PretendServices()
    write(path, [{"event_id": "e1", "action": "view", "user_id": "u", "item_id": "i", "occurred_at": written}])
    report = run_import(ImportJob("events", path, "shop", str(mapping)), services, NOW)  # type: ignore[arg-type]
    assert services.events["e1"].occurred_at.ToDatetime().hour == hour
    assert dict(report.filled) == ({rule: 1} if rule else {})


def test_changes_that_are_all_refused_are_written_down_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.importing.tally.HEAVY_BYTES", 1_000)
    held_lines, cut = [], Ledger.cut

    def watched_cut(ledger: Ledger) -> Tally:
        tally = cut(ledger)
        held_lines.append(len(tally.reject_lines))
        return tally

    monkeypatch.setattr(Ledger, "cut", watched_cut)
    path, services = tmp_path / "changes.jsonl", PretendServices()
    row = {"item_id": "i1", "titles": {"en": "Tea"}, "price_minor": 5, "currency": "EUR"}
    write(path, [*[{**row, "price_minor": "x"}] * 50, row, *[{**row, "titles": {}}] * 50])
    job = ImportJob("changes", path, "shop", rejects=tmp_path / "rejects.jsonl", work=tmp_path / "work")
    report = run_import(job, services, NOW)  # type: ignore[arg-type]
    assert (report.read, report.imported, report.rejected, len(entries(tmp_path / "rejects.jsonl"))) == (
        101,
        1,
        100,
        100,
    )
    assert max(held_lines) < 20
