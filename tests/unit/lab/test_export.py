"""Exported files: every row has every column, groups lose nothing, and half a file never appears."""

from datetime import UTC, datetime
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest

from lab.exporting import export, variants
from lab.exporting.export import ExportJob, run_export, write_rows
from lab.exporting.tables import TABLES
from lab.training.vocabulary import item_of_variant
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.user_profile.v1 import user_profile_pb2

AT = datetime(2026, 11, 22, 9, 30, 0, 250, UTC)


def event(number: int = 0, **fields) -> user_profile_pb2.Event:
    made = user_profile_pb2.Event(event_id=f"e{number}", action=common_pb2.ACTION_VIEW, user_id="0" * 32, **fields)
    made.occurred_at.FromDatetime(AT)
    return made


def page() -> page_composer_pb2.LoggedPage:
    slots = [
        page_composer_pb2.LoggedSlot(
            placement=common_pb2.Placement(section_id="popular:1", row=1, column=column),
            item_id=f"item-{column}",
            shelf="popular",
            propensity=0.5,
            origin=page_composer_pb2.SLOT_ORIGIN_EXPLORED,
        )
        for column in range(3)
    ]
    return page_composer_pb2.LoggedPage(page_id="p", device=common_pb2.DEVICE_PHONE, slots=slots, arms=["test:a"])


MESSAGES = {
    "events": event(placement=common_pb2.Placement(page_id="p", section_id="popular:1", row=2, column=0)),
    "pages": page(),
    "items": item_vision_pb2.ItemFacts(item_id="a", titles={"en": "Hat"}, regions=["DE"], stock=0),
}


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_row_has_every_column_and_no_other(kind, tmp_path: Path):
    table, message = TABLES[kind], MESSAGES[kind]
    rows = list(table.rows(message))
    assert rows
    assert all(row.keys() == table.columns.keys() for row in rows)
    assert write_rows(tmp_path / "file", table, iter([message]), lambda _count: None) == len(rows)
    assert pq.read_schema(tmp_path / "file").equals(table.schema)


def test_what_is_not_said_is_null_and_what_is_zero_is_zero():
    (bare,) = TABLES["events"].rows(event())
    (placed,) = TABLES["events"].rows(MESSAGES["events"])
    assert (bare["row"], bare["page_id"], bare["rating"], bare["price_minor"]) == (None, None, None, None)
    assert (placed["row"], placed["column"], placed["page_id"]) == (2, 0, "p")
    assert (bare["action"], bare["occurred_at"]) == ("view", int(AT.timestamp() * 1e6))
    (item,) = TABLES["items"].rows(MESSAGES["items"])
    assert (item["stock"], item["list_price_minor"], item["created_at"]) == (0, None, None)
    assert [row["origin"] for row in TABLES["pages"].rows(page())] == ["explored"] * 3


def test_groups_keep_every_row_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export, "MESSAGES_A_GROUP", 4)
    told: list[int] = []
    events = (event(number) for number in range(10))
    assert write_rows(tmp_path / "events.parquet", TABLES["events"], events, told.append) == 10
    assert told == [4, 8, 10]
    read = pq.read_table(tmp_path / "events.parquet")
    assert read.column("event_id").to_pylist() == [f"e{number}" for number in range(10)]
    assert read.column("occurred_at").to_pylist() == [AT] * 10


def test_an_export_that_breaks_off_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(_job, _channel):
        yield event()
        raise ConnectionError("gone")

    monkeypatch.setitem(export._MESSAGES, "events", broken)
    (tmp_path / "events.parquet").write_text("the file of yesterday", encoding="utf-8")
    job = ExportJob("events", "boutique", tmp_path / "events.parquet")
    with pytest.raises(ConnectionError):
        run_export(job, {"user_profile": ["127.0.0.1:1"]})
    assert [path.name for path in tmp_path.iterdir()] == ["events.parquet"]
    assert (tmp_path / "events.parquet").read_text(encoding="utf-8") == "the file of yesterday"


def test_events_that_name_a_variant_are_written_with_its_item(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(variants, "EVENTS_AT_ONCE", 2)
    monkeypatch.setattr(variants, "IDS_A_QUESTION", 1)
    asked: list[str] = []

    class Catalogue:
        def ResolveVariants(self, request: item_vision_pb2.ResolveVariantsRequest):
            asked.extend(request.variant_ids)
            item_of = {"shirt-s": "shirt", "shirt": "shirt"}
            return item_vision_pb2.ResolveVariantsResponse(
                item_ids=[item_of.get(each, "") for each in request.variant_ids]
            )

    ids = ["shirt-s", "shirt", "nobody", "", "shirt-s"]
    events = (event(number, item_id=item_id) for number, item_id in enumerate(ids))
    written = [each.item_id for each in variants.about_items(events, Catalogue(), "shop")]
    assert written == ["shirt", "shirt", "nobody", "", "shirt"]
    assert asked == ["shirt", "shirt-s", "nobody"]


def test_an_items_own_id_is_no_variant_and_the_first_item_keeps_a_variant():
    items = [
        item_vision_pb2.ItemFacts(item_id="a", variant_ids=["x", "b"]),
        item_vision_pb2.ItemFacts(item_id="b", variant_ids=["x", "y"]),
    ]
    assert item_of_variant(items) == {"x": "a", "y": "b"}


class Cut(grpc.RpcError):
    """What a client sees when a server ends a connection."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE


class Profiles:
    """Has events at given seconds, two a message; its streams are cut after so many messages, then never again."""

    def __init__(self, seconds: list[int], cuts: list[int]) -> None:
        self.events = [event(number) for number in range(len(seconds))]
        for each, second in zip(self.events, seconds, strict=True):
            each.occurred_at.FromSeconds(second)
        self.cuts, self.asked = cuts, 0

    def ExportEvents(self, request: user_profile_pb2.ExportEventsRequest):
        self.asked += 1
        messages = self.cuts.pop(0) if self.cuts else None
        wanted = [each for each in self.events if each.occurred_at.seconds >= request.occurred_from.seconds]
        for place in range(0, len(wanted), 2):
            if messages is not None and place >= 2 * messages:
                raise Cut()
            yield user_profile_pb2.ExportEventsResponse(events=wanted[place : place + 2])


def exported(profiles: Profiles, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(export.user_profile_pb2_grpc, "UserProfileServiceStub", lambda _channel: profiles)
    run_export(ExportJob("events", "boutique", path), {"user_profile": ["127.0.0.1:1"]})
    return pq.read_table(path).column("event_id").to_pylist()


@pytest.mark.parametrize("cuts", [[], [1], [2, 1, 3], [1, 2, 2, 2]])
def test_a_stream_that_is_cut_goes_on_where_it_was(cuts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    profiles = Profiles([1, 2, 2, 2, 3, 5, 5, 8, 8, 9], list(cuts))
    names = exported(profiles, tmp_path / "events.parquet", monkeypatch)
    assert names == [f"e{number}" for number in range(10)]
    assert (profiles.asked > 1) == bool(cuts)


def test_a_service_that_gives_nothing_more_is_not_asked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Cut):
        exported(Profiles([1, 2, 3], [1, *[0] * 5]), tmp_path / "events.parquet", monkeypatch)


def test_a_day_without_times_is_looked_at_once_however_many_messages_it_fills():
    class Timeless:
        looks = 0

        def __init__(self, event_id: str) -> None:
            self.event_id = event_id

        @property
        def occurred_at(self) -> int:
            Timeless.looks += 1
            return 1

    newest = export._NewestMoment()
    for message in range(100):
        newest.pass_on([Timeless(f"{message}-{place}") for place in range(10)])
    assert len(newest.event_ids) == 1_000
    assert Timeless.looks == 1_100
