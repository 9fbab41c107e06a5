"""Whole imports against pretend services: every row is accounted for, whatever it holds."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.importing.importer import ImportJob, run_import
from lab.importing.report import ImportReport
from tests.unit.lab.pretend import PretendServices

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ITEM: dict[str, Any] = {
    "item_id": "i1", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR", "stock": 3,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "event_id": "e1", "action": "view", "user_id": "u1", "item_id": "i1", "occurred_at": "2026-01-31T11:00:00Z",
}  # fmt: skip


def lines_file(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def do(kind: Any, path: Path, services: Any = None, **options: Any) -> ImportReport:
    return run_import(ImportJob(kind, path, "shop", **options), services, NOW)


def test_items_arrive_with_all_their_fields(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"picture")
    full = {
        **ITEM, "family_id": "f1", "brand": " Aster ", "category": "Home/ Tea", "seller": "S", "margin_ratio": 0.4,
        "list_price_minor": 700, "regions": ["de", "CN-31"], "images": ["a.jpg", "https://shop.example/b.jpg"],
        "link": "/p/1", "attributes": {"colour": "green"}, "created_at": "2026-01-01", "minimum_age": 18,
        "descriptions": {"en": "Green tea"},
    }  # fmt: skip
    services = PretendServices()
    report = do("items", lines_file(tmp_path, [full]), services)
    item = services.items["i1"]
    assert (report.imported, item.category, item.brand, item.list_price.amount_minor) == (1, "Home/Tea", "Aster", 700)
    assert [image.WhichOneof("source") for image in item.images] == ["content", "url"]
    assert (item.stock, item.minimum_age, list(item.regions)) == (3, 18, ["DE", "CN-31"])
    assert item.created_at.ToDatetime(tzinfo=UTC) == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_repeated_row_is_merged_and_a_changed_one_wins_with_a_note(tmp_path: Path) -> None:
    services = PretendServices()
    rows = [ITEM, ITEM, {**ITEM, "price_minor": 400}]
    report = do("items", lines_file(tmp_path, rows), services)
    assert (report.read, report.imported, report.merged) == (3, 1, 2)
    assert report.merged_by == {"same content": 1, "same id, the later row wins": 1}
    assert "line 3" in report.notes[0]
    assert services.items["i1"].price.amount_minor == 400
    assert services.sent == ["i1"]


def test_states_are_all_sent_in_order(tmp_path: Path) -> None:
    services = PretendServices()
    report = do("changes", lines_file(tmp_path, [ITEM, {**ITEM, "stock": 0}, ITEM]), services)
    assert (report.imported, report.merged, services.sent) == (3, 0, ["i1", "i1", "i1"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"item_id": ""}, "item_id_missing"),
        ({"titles": {}}, "title_missing"),
        ({"titles": "Tea"}, "titles_malformed"),
        ({"titles": {"english!": "Tea"}}, "locale_malformed"),
        ({"price_minor": None}, "price_missing"),
        ({"price_minor": "much"}, "price_malformed"),
        ({"price_minor": -1}, "price_negative"),
        ({"price_minor": 0}, "price_zero"),
        ({"currency": "euro"}, "currency_malformed"),
        ({"stock": "many"}, "stock_malformed"),
        ({"regions": ["Germany"]}, "region_malformed"),
        ({"link": "javascript:alert(1)"}, "link_malformed"),
        ({"margin_ratio": 1.5}, "margin_ratio_malformed"),
        ({"minimum_age": 120}, "minimum_age_malformed"),
        ({"created_at": "long ago"}, "created_at_malformed"),
        ({"attributes": "colour"}, "attributes_malformed"),
    ],
)
def test_a_broken_item_is_rejected_with_line_reason_and_remedy(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    path = lines_file(tmp_path, [{**ITEM, "item_id": "i0"}, {**ITEM, **changes}])
    report = do("items", path, PretendServices(), rejects=rejects)
    assert (report.imported, report.rejected, dict(report.reasons)) == (1, 1, {reason: 1})
    (entry,) = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert (entry["line"], entry["reason"]) == (2, reason)
    assert entry["remedy"]
    assert entry["row"]["titles"] == {**ITEM, **changes}["titles"]


def test_gaps_that_can_be_filled_are(tmp_path: Path) -> None:
    rows = [{**ITEM, "stock": -4, "list_price_minor": 100, "titles": {"en": "x" * 600}}]
    services = PretendServices()
    report = do("items", lines_file(tmp_path, rows), services)
    item = services.items["i1"]
    assert (item.stock, item.HasField("list_price"), len(item.titles["en"]), item.family_id) == (0, False, 500, "i1")
    assert report.filled == {
        "stock: 0 where it is negative": 1, "list_price: left out where it is below the price": 1,
        "titles: cut at 500 characters": 1, "family_id: the item's own id": 1,
        "created_at: when it is first imported": 1,
    }  # fmt: skip


def test_refusals_of_the_service_are_accounted_for(tmp_path: Path) -> None:
    rows = [{**ITEM, "item_id": "i1"}, {**ITEM, "item_id": "i1"}, {**ITEM, "item_id": "i2"}, {**ITEM, "item_id": "i3"}]
    services = PretendServices(refused_items={"i1": "price", "i2": "images[0]"})
    report = do("items", lines_file(tmp_path, rows), services)
    assert (report.imported, report.merged, report.rejected) == (2, 0, 2)
    assert report.reasons == {"invalid_request": 2}
    assert report.dangling == {"pictures": 1}


def test_pictures_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"no")
    services = PretendServices()
    path = lines_file(tmp_path, [{**ITEM, "images": ["../secret.jpg", "/etc/hostname", "none.jpg"]}])
    report = do("items", path, services, picture_folder=folder)
    assert report.dangling == {"pictures": 3}
    assert list(services.items["i1"].images) == []


def test_events_are_recorded_once(tmp_path: Path) -> None:
    rows = [EVENT, EVENT, {**EVENT, "event_id": "e2"}, {**EVENT, "event_id": "e2", "item_id": "i9"}, {"action": "view"}]
    services = PretendServices(known_items=["i1"])
    path = lines_file(tmp_path, rows)
    report = do("events", path, services)
    assert (report.read, report.imported, report.merged, report.rejected) == (5, 2, 1, 2)
    assert report.reasons == {"event_conflict": 1, "occurred_at_missing": 1}
    assert report.dangling == {"items": 1}
    dry = do("events", path)
    assert (dry.imported, dry.merged, dry.rejected) == (2, 1, 2)
    again = do("events", path, services)
    assert (again.imported, again.merged, again.rejected) == (0, 3, 2)


def test_a_file_that_breaks_off_is_imported_as_far_as_it_goes(tmp_path: Path) -> None:
    rows = "".join(
        json.dumps({**EVENT, "event_id": f"e{n}", "user_id": f"u{n * 7919 % 997}"}) + "\n" for n in range(4_000)
    )
    whole = gzip.compress(rows.encode())
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    services = PretendServices()
    report = do("events", path, services)
    assert report.problems
    assert "damaged behind line" in report.problems[0]
    assert 0 < report.imported == len(services.events) < 4_000
    assert report.balanced()


def test_a_file_without_rows_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item_id,title\n", encoding="utf-8")
    assert do("items", path).problems == [f"{path} holds no rows"]


def test_campaigns_become_messages(tmp_path: Path) -> None:
    row = {
        "campaign_id": "c1", "name": "Tea", "starts_at": "2026-01-01", "ends_at": "2026-02-01T00:00:00Z",
        "currency": "EUR", "budget_minor": 5, "frequency_cap": 2, "segment": {"devices": ["phone"], "regions": ["CN"]},
        "item_filter": {"category": "Home/Tea"},
        "banners": [{"banner_id": "b1", "titles": {"en": "Tea"}, "link": "/c", "image": "images/b.jpg"}],
        "coupons": [{"coupon_id": "k1", "titles": {"en": "Off"}, "code": "TEA", "discount_percent": 10},
                    {"coupon_id": "k2", "titles": {"en": "Off"}, "code": "TEB", "discount_minor": 500}],
    }  # fmt: skip
    services = PretendServices()
    broken = [{**row, "starts_at": "never"}, {**row, "coupons": [{"coupon_id": "k", "titles": {"en": "x"}}]}]
    report = do("campaigns", lines_file(tmp_path, [row, *broken]), services)
    assert (report.imported, report.rejected) == (1, 2)
    assert report.reasons == {"starts_at_malformed": 1, "discount_missing": 1}
    (campaign,) = services.campaigns
    assert list(campaign.item_filter.categories) == ["Home/Tea"]
    assert (campaign.coupons[0].percent, campaign.coupons[1].amount.amount_minor) == (10, 500)
    assert campaign.banners[0].image == "/media/boutique/images/b.jpg"


def test_banner_pictures_that_nobody_serves_are_left_out(tmp_path: Path) -> None:
    row = {"campaign_id": "c1", "starts_at": "2026-01-01", "ends_at": "2026-02-01",
           "banners": [{"banner_id": "b1", "titles": {"en": "Tea"}, "image": "b.jpg"}]}  # fmt: skip
    (tmp_path / "own.toml").write_text("[campaigns]\n", encoding="utf-8")
    services = PretendServices()
    report = do("campaigns", lines_file(tmp_path, [row]), services, mapping=str(tmp_path / "own.toml"))
    assert report.dangling == {"banner pictures": 1}
    assert services.campaigns[0].banners[0].image == ""


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**7), st.floats(), st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3), st.dictionaries(st.text(max_size=4), st.text(max_size=5), max_size=2),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["items", "changes", "events"]),
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.one_of(st.just({**ITEM, **EVENT}.get(name)), VALUES)
                for name in ("item_id", "titles", "price_minor", "currency", "stock", "images", "regions", "attributes",
                             "event_id", "action", "user_id", "occurred_at", "row", "device", "link", "created_at")
            },
        ),
        max_size=8,
    ),
)  # fmt: skip
def test_whatever_the_rows_hold_every_one_is_accounted_for(tmp_path: Path, kind: Any, rows: list[Any]) -> None:
    path = lines_file(tmp_path, rows or [{}])
    for services in (PretendServices(), None):
        report = do(kind, path, services)
        assert report.read == len(rows or [{}])
        assert report.read == report.imported + report.merged + report.rejected
        assert report.balanced()
