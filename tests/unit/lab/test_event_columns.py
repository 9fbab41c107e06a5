"""Parquet files of events: what is read in columns is what is read row by row."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.importing import content_ids, import_events
from lab.importing.arrow_events import takes
from lab.importing.content_ids import ContentIds
from lab.importing.importer import ImportJob, run_import
from lab.importing.mapping import KindMapping, parse_mapping
from lab.importing.packing import pack
from lab.importing.report import ImportReport
from tests.contract.event_columns import columns_of, rows_of
from tests.unit.lab.pretend import PretendServices
from vitrine.user_profile.v1 import user_profile_pb2 as pb

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MAPPING = """
[events]
price_unit = "major"
price_of = "line"
measured_above = 200
{options}

[events.fields]
event_id = "id"
action = {{ from = "what", values = {{ bought = "purchase" }}, default = "view" }}
user_id = "who"
session_id = "basket"
item_id = "item"
occurred_at = "at"
quantity = "count"
price = "paid"
currency = {{ constant = "USD" }}
channel = {{ from = "via", default = "store" }}
device = "device"
query = "words"
rating = "stars"
text = "said"
page_id = "page"
row = "place"
"""
SCHEMA = pa.schema([
    ("id", pa.string()), ("what", pa.string()), ("who", pa.large_string()), ("basket", pa.int64()),
    ("item", pa.string()), ("at", pa.timestamp("ns")), ("count", pa.int64()), ("paid", pa.float64()),
    ("via", pa.dictionary(pa.int32(), pa.string())), ("device", pa.string()), ("words", pa.string()),
    ("stars", pa.int32()), ("said", pa.string()), ("page", pa.string()), ("place", pa.int64()),
])  # fmt: skip
TIMES = [NOW - timedelta(days=1, microseconds=7), NOW, NOW + timedelta(hours=1), datetime(1999, 1, 1, tzinfo=UTC)]
ROWS = st.fixed_dictionaries({
    "id": st.sampled_from([None, None, "", "e1", "e2", "x" * 129]),
    "what": st.sampled_from(["bought", "bought", "view", "search", "rate", "review", "jump", None]),
    "who": st.sampled_from(["ada", "bob", None, "", " eve ", "nul\x00"]),
    "basket": st.sampled_from([1, 2, None]),
    "item": st.sampled_from(["i1", "i2", "i3", None, "", "two words"]),
    "at": st.sampled_from([*(moment.replace(tzinfo=None) for moment in TIMES), None]),
    "count": st.sampled_from([1, 1, 2, 3, 0, 250, 20_000, -1, None]),
    "paid": st.sampled_from([1.0, 2.49, 0.0, -1.0, float("nan"), 1e30, None]),
    "via": st.sampled_from(["app", None, "c" * 33]),
    "device": st.sampled_from([None, "phone", "toaster"]),
    "words": st.sampled_from([None, "shoes"]),
    "stars": st.sampled_from([None, 4, 6]),
    "said": st.sampled_from([None, "nice"]),
    "page": st.sampled_from([None, None, "p1"]),
    "place": st.sampled_from([None, None, 0, 3]),
})  # fmt: skip
PLAIN = {
    "what": "bought", "who": "ada", "basket": 1, "item": "i1", "at": TIMES[0].replace(tzinfo=None), "count": 2,
    "paid": 3.0,
}  # fmt: skip


class Importer:
    """Imports files of rows into shops of their own, in columns or row by row."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder = folder
        self.mapping = folder / "mapping.toml"
        self.mapping.write_text(MAPPING.format(options=options), encoding="utf-8")

    def write(self, rows: Sequence[dict[str, Any]], name: str = "events.parquet") -> Path:
        full = [{column: row.get(column) for column in SCHEMA.names} for row in rows]
        pq.write_table(pa.Table.from_pylist(full, SCHEMA), self.folder / name)
        return self.folder / name

    def run(self, file: Path, services: PretendServices | None) -> tuple[ImportReport, list[str]]:
        rejects = self.folder / "rejects.jsonl"
        rejects.unlink(missing_ok=True)
        job = ImportJob("events", file, "shop", str(self.mapping), rejects=rejects)
        report = run_import(job, services, NOW)  # type: ignore[arg-type]
        return report, sorted(rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else [])


@pytest.fixture(scope="module")
def importer(tmp_path_factory: pytest.TempPathFactory) -> Importer:
    return Importer(tmp_path_factory.mktemp("events"))


def counted(report: ImportReport) -> dict[str, Any]:
    left_out = {"seconds", "lines_per_second", "samples"}
    told = {name: value for name, value in report.as_dict().items() if name not in left_out}
    return {**told, "shape": {chart: counts for chart, counts in told["shape"].items() if counts}}


def both_ways(importer: Importer, rows: Sequence[dict[str, Any]], *, dry: bool) -> PretendServices:
    """Import a file in columns and row by row, in small batches; both must tell and keep the same."""
    file = importer.write(rows)
    told, kept = [], []
    for in_columns in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lab.importing.reading.parquet._ROWS_IN_COLUMNS", 3)
            patch.setattr(import_events, "BATCHES_A_STREAM", 2)
            patch.setattr(import_events, "EVENTS_A_STREAM", 4)
            if not in_columns:
                patch.setattr(import_events, "takes", lambda *_: False)
            services = PretendServices(known_items=["i1", "i2"])
            report, rejects = importer.run(file, None if dry else services)  # type: ignore[arg-type]
            told.append((counted(report), rejects, services.events))
            kept.append(services)
    assert told[0] == told[1]
    return kept[0]


@settings(max_examples=40)
@given(rows=st.lists(ROWS, max_size=12), dry=st.booleans())
def test_columns_are_imported_as_rows_are(importer: Importer, rows: list[dict[str, Any]], dry: bool) -> None:
    both_ways(importer, rows, dry=dry)


def test_plain_rows_around_others_keep_their_order_and_lines(importer: Importer) -> None:
    search = {**PLAIN, "what": "search", "words": "shoes"}
    rows = [PLAIN, search, {**PLAIN, "count": 0}, PLAIN, {**PLAIN, "page": "p1"}, {**PLAIN, "item": "i9"}, PLAIN]
    services = both_ways(importer, rows, dry=False)
    kept = list(services.events.values())
    assert [each.query for each in kept] == ["", "shoes", "", "", "", ""]
    assert kept[0].price.amount_minor == 150
    assert [event_id.partition("-")[2] for event_id in services.events] == ["", "", "1", "", "", "2"]


def test_a_line_that_is_said_again_is_another_event_and_repeating_the_import_changes_nothing(tmp_path: Path) -> None:
    importer, services = Importer(tmp_path), PretendServices()
    file = importer.write([PLAIN] * 5)
    assert importer.run(file, services)[0].imported == 5
    again, _ = importer.run(file, services)
    assert (again.imported, again.merged) == (0, 5)
    assert again.filled["event_id: numbered, the file says the same before"] == 4


def test_a_mapping_can_say_that_repeats_are_the_same(tmp_path: Path) -> None:
    importer, services = Importer(tmp_path, 'repeats = "merge"'), PretendServices()
    report, _ = importer.run(importer.write([PLAIN] * 5), services)
    assert (report.imported, report.merged) == (1, 4)


def test_the_same_rows_as_json_lines_have_the_same_ids(tmp_path: Path) -> None:
    importer, services = Importer(tmp_path), PretendServices()
    rows = [PLAIN, {**PLAIN, "item": "i2"}, PLAIN]
    importer.run(importer.write(rows), services)
    text = "".join(json.dumps(row, default=str) + "\n" for row in rows)
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    report, _ = importer.run(tmp_path / "events.jsonl.gz", services)
    assert (report.imported, report.merged, len(services.events)) == (0, 3, 3)


def test_a_line_of_nothing_can_count_as_one_piece(tmp_path: Path) -> None:
    importer = Importer(tmp_path, 'zero_pieces = "one"')
    services = both_ways(importer, [PLAIN, {**PLAIN, "count": 0, "paid": 0.0}, {**PLAIN, "count": 0}], dry=False)
    said = [(each.quantity, each.price.amount_minor) for each in services.events.values()]
    assert said == [(2, 150), (1, 0), (1, 300)]


def test_nested_or_joined_fields_go_the_way_of_rows() -> None:
    def mapped(user_id: Any) -> KindMapping:
        return parse_mapping({"events": {"fields": {"user_id": user_id, "item_id": "item"}}}, "events")

    schema = pa.schema([("who", pa.string()), ("item", pa.string()), ("tags", pa.list_(pa.string()))])
    assert takes(mapped("who"), schema)
    assert takes(mapped("not there"), schema)
    assert not takes(mapped(["who", "item"]), schema)
    assert not takes(mapped("user.id"), schema)
    assert not takes(mapped("tags"), schema)


def test_packed_events_say_what_the_events_said() -> None:
    at = {"seconds": 1, "nanos": 5_000}
    events = [
        pb.Event(event_id="1", action="ACTION_VIEW", occurred_at=at, user_id="ada", item_id="i1", channel="app"),
        pb.Event(event_id="2", action="ACTION_VIEW", occurred_at=at, session_id="s", item_id="i1", channel="app"),
    ]
    assert rows_of(pack(events)) == events == rows_of(columns_of(events))
    assert len(pack(events).actions) == len(pack(events).channels.indexes) == 1
    assert not pack(events).HasField("queries")
    assert pack([]) == pb.EventColumns()


def named(ids: ContentIds, contents: Sequence[str]) -> list[str]:
    return ids.name(contents, [16] * len(contents))


def test_repeats_are_numbered_over_the_whole_file_and_over_a_resumed_import(tmp_path: Path) -> None:
    journal = tmp_path / "contents.bin"
    whole = ContentIds(tmp_path / "other.bin", 0, merge_repeats=False)
    contents = [str(number % 7) for number in range(60)]
    expected = named(whole, contents)
    assert len(set(expected)) == 60
    assert expected[0][:8] == "00000010"
    ids = ContentIds(journal, 0, merge_repeats=False)
    made = named(ids, contents[:20]) + named(ids, contents[20:25])
    ids.keep(ids.cut(), 25)
    named(ids, contents[25:40])
    ids.keep(ids.cut(), 40)  # written down, but not acknowledged by a checkpoint: it is done again
    resumed = ContentIds(journal, 25, merge_repeats=False)
    assert [*made, *named(resumed, contents[25:])] == expected


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_ids, "MOST_REMEMBERED", 10)
    seen = content_ids._Seen()
    for start in range(0, 200, 5):
        seen.add(np.arange(start, start + 5, dtype=np.uint64))
    assert sum(map(len, seen._runs)) <= 40
