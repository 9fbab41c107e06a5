"""Preparation on DuckDB: what the tables say, against the same counted by hand."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.importing.events import ACTIONS
from lab.preparation.occupied import ShopOccupied
from lab.preparation.prepare import MANIFEST, Prepared, PrepareJob, preparation_moment, prepare
from lab.preparation.shop import prepare_exported, shop_folder
from lab.preparation.tables import STEPS
from lab.training.popularity import Popularity
from lab.training.prepared_tables import read_event_columns, read_popularity, read_price_edges
from services.ranker.price_bands import PriceBands
from services.ranker.source import ACTION_WEIGHTS
from tests.exported_shop import END, event, moment_us, nasty_events, nasty_items, write_exported

DAY_US = 86_400_000_000
NOW_US = moment_us(2026, 3, 1)


def prepared_shop(folder: Path, events=None, items=None, now_us: int = NOW_US) -> Prepared:
    exported = write_exported(folder / "exported", nasty_events() if events is None else events, items or nasty_items())
    return prepare(PrepareJob("shop", exported, folder / "prepared", now_us))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared_shop(tmp_path_factory.mktemp("preparation"))


def rows(prepared: Prepared, table: str) -> list[dict]:
    return pq.read_table(prepared.path(table)).to_pylist()


def test_every_table_is_ordered_by_its_key_which_no_two_rows_share(prepared: Prepared) -> None:
    for step in STEPS:
        keys = [tuple(row[key] for key in step.keys) for row in rows(prepared, step.name)]
        encoded = [tuple(each.encode() if isinstance(each, str) else each for each in key) for key in keys]
        assert encoded == sorted(encoded), step.name
        assert len(set(keys)) == len(keys) == prepared.tables[step.name]


def test_the_manifest_says_what_was_made_of_what(prepared: Prepared) -> None:
    manifest = json.loads((prepared.folder / MANIFEST).read_text("utf-8"))
    assert manifest["tables"] == {step.name: len(rows(prepared, step.name)) for step in STEPS}
    assert manifest["sources"]["events"]["rows"] == len(nasty_events())
    assert len(manifest["sources"]["items"]["sha256"]) == 64
    assert manifest["engine"] == "duckdb"


def test_a_log_that_ended_long_ago_is_looked_at_from_its_end(prepared: Prepared) -> None:
    end_us = int(END.timestamp()) * 1_000_000 + 1
    assert prepared.as_of_us == end_us + 1


def test_a_living_shop_is_looked_at_from_now(tmp_path: Path) -> None:
    now_us = moment_us(2024, 3, 1, 12)
    assert prepared_shop(tmp_path, now_us=now_us).as_of_us == now_us


def test_the_first_click_after_a_log_that_ended_long_ago_does_not_move_its_end(tmp_path: Path) -> None:
    end_us, file = moment_us(2017, 3, 1), tmp_path / "events.parquet"

    def written(*moments_us: int) -> Path:
        pq.write_table(pa.table({"occurred_at": pa.array(moments_us, pa.timestamp("us", tz="UTC"))}), file)
        return file

    old_us = range(end_us - 1_999, end_us + 1)
    assert preparation_moment(written(*old_us, NOW_US - 5), NOW_US) == end_us + 1
    assert preparation_moment(written(NOW_US - 9 * DAY_US, *old_us), NOW_US) == end_us + 1
    assert preparation_moment(written(*old_us, *(NOW_US - 1, NOW_US - 2, NOW_US - 3)), NOW_US) == NOW_US
    days_us = [NOW_US - day * DAY_US // 2 for day in range(1, 4_000)]
    assert preparation_moment(written(*days_us), NOW_US) == NOW_US


def test_the_same_files_give_the_same_folder_and_bytes(prepared: Prepared, tmp_path: Path) -> None:
    again = prepared_shop(tmp_path)
    assert again.folder.name == prepared.folder.name
    for step in STEPS:
        assert again.path(step.name).read_bytes() == prepared.path(step.name).read_bytes()


def test_a_newer_preparation_takes_the_place_of_the_older(tmp_path: Path) -> None:
    older = prepared_shop(tmp_path)
    newer = prepared_shop(tmp_path, events=nasty_events()[:-1])
    assert not older.folder.exists()
    assert list((tmp_path / "prepared").iterdir()) == [newer.folder]


def test_times_keep_their_microseconds_and_missing_texts_are_empty(prepared: Prepared) -> None:
    by_id = {row["event_id"]: row for row in rows(prepared, "events")}
    assert by_id["last"]["occurred_us"] == moment_us(2024, 3, 1) + 1
    assert by_id["old"]["occurred_us"] == moment_us(2000, 1, 1)
    assert by_id["session"]["subject"] == "tab"
    assert by_id["both"]["subject"] == "bert"
    assert by_id["words"]["query"] == "Grüße, 'O\"Neil' 连衣裙\n; --"
    assert (by_id["words"]["item_id"], by_id["words"]["page_id"], by_id["words"]["row"]) == ("", "", 0)
    assert by_id["both"]["action"] == ACTIONS["click"]
    assert by_id["same-b"]["device"] == 3


def test_price_edges_are_the_quintiles_of_each_large_department_and_of_the_shop(prepared: Prepared) -> None:
    items = nasty_items()
    wanted = PriceBands.fit(
        np.array([item["price_minor"] for item in items]), [item["category"] or "" for item in items]
    )
    found = read_price_edges(prepared.path("price_bands"))
    assert found.keys() == wanted.edges_minor.keys() == {"", "Food"}
    for department, edges in wanted.edges_minor.items():
        assert found[department] == pytest.approx(edges, rel=1e-12)


def test_items_are_banded_as_serving_bands_them(prepared: Prepared) -> None:
    bands = PriceBands(read_price_edges(prepared.path("price_bands")))
    assert len(rows(prepared, "items")) == len(nasty_items())
    for row in rows(prepared, "items"):
        assert str(row["price_band"] or "") == bands.band(row["price_minor"], row["category"])
        assert row["age_days"] == 1


def test_popularity_is_what_training_counts(prepared: Prepared) -> None:
    number_of = {item["item_id"]: number for number, item in enumerate(nasty_items())}
    events = read_event_columns(prepared.path("events"), number_of)
    counted = Popularity.of(events, len(number_of)).before(prepared.as_of_us)
    assert counted.sum() > 0
    np.testing.assert_array_equal(read_popularity(prepared.path("item_statistics"), number_of), counted)


def test_item_statistics_count_every_item_and_leave_rates_open_where_nothing_was_shown(prepared: Prepared) -> None:
    by_id = {row["item_id"]: row for row in rows(prepared, "item_statistics")}
    assert by_id.keys() == {item["item_id"] for item in nasty_items()}
    apple = by_id["apple"]
    assert (apple["impressions"], apple["views"], apple["clicks"], apple["purchases"]) == (1, 2, 1, 1)
    assert (apple["people"], apple["click_rate"], apple["purchase_rate"]) == (3, 1.0, 1 / 3)
    assert by_id["😀"]["click_rate"] is None


def test_user_statistics_count_days_and_recency(prepared: Prepared) -> None:
    anna = next(row for row in rows(prepared, "user_statistics") if row["subject"] == "anna")
    assert (anna["events"], anna["views"], anna["carts"], anna["purchases"]) == (5, 2, 1, 1)
    assert (anna["items"], anna["active_days"], anna["recency_days"]) == (2, 3, 0)
    zoe = next(row for row in rows(prepared, "user_statistics") if row["subject"] == "zoë")
    assert zoe["recency_days"] == (prepared.as_of_us - moment_us(2000, 1, 1)) // DAY_US


def test_contexts_add_up_to_the_events_and_know_the_weekday(prepared: Prepared) -> None:
    contexts = rows(prepared, "contexts")
    assert sum(row["events"] for row in contexts) == len(nasty_events())
    friday = [row for row in contexts if (row["country"], row["device"]) == ("CN", 0)]
    assert [(row["weekday"], row["hour"]) for row in friday] == [(6, 1)]  # Sunday, 26 March 2023
    assert {row["country"] for row in contexts} == {"", "DE", "CN"}


def test_interactions_weigh_what_says_something(prepared: Prepared) -> None:
    weights: Counter[tuple[str, str]] = Counter()
    for each in nasty_events():
        weight = ACTION_WEIGHTS.get(ACTIONS[each["action"]], 0.0)
        if each["item_id"] and weight:
            weights[each["user_pseudonym"] or each["session_pseudonym"], each["item_id"]] += weight
    found = {(row["subject"], row["item_id"]): row["weight_halves"] / 2 for row in rows(prepared, "interactions")}
    assert found == dict(weights)


def test_sequences_are_in_time_order_with_ties_by_action_then_id(prepared: Prepared) -> None:
    anna = [row for row in rows(prepared, "sequences") if row["subject"] == "anna"]
    assert [row["position"] for row in anna] == [0, 1, 2, 3]
    assert [row["item_id"] for row in anna] == ["pear", "apple", "pear", "apple"]


def test_event_columns_number_items_subjects_and_pages(prepared: Prepared) -> None:
    columns = read_event_columns(prepared.path("events"), {"apple": 0, "pear": 1})
    assert len(columns) == len(nasty_events())
    assert set(columns.item.tolist()) == {-1, 0, 1}
    shown = np.flatnonzero(columns.page >= 0)
    assert [columns.item_ids[event] for event in shown] == ["apple", "pear", "apple"]
    assert columns.subjects[columns.subject[shown[0]]] == "bert"
    assert columns.column[shown].tolist() == [3, 4, 3]


def test_a_shop_without_events_is_prepared_too(tmp_path: Path) -> None:
    prepared = prepared_shop(tmp_path, events=[])
    assert prepared.as_of_us == NOW_US
    assert prepared.tables["events"] == prepared.tables["sequences"] == 0
    assert prepared.tables["item_statistics"] == len(nasty_items())
    assert len(read_event_columns(prepared.path("events"), {})) == 0


def test_a_row_of_events_that_names_nobody_is_left_out(tmp_path: Path) -> None:
    nobody = event("nobody", "view", moment_us(2024, 2, 1), None, "apple")
    assert prepared_shop(tmp_path, events=[nobody]).tables["events"] == 0


def test_two_do_not_prepare_one_shop_at_once(tmp_path: Path) -> None:
    with shop_folder(tmp_path, "shop") as folder, shop_folder(tmp_path, "other"):
        assert folder == tmp_path / "prepared" / "shop"
        with pytest.raises(ShopOccupied, match="another process prepares"), shop_folder(tmp_path, "shop"):
            raise AssertionError("unreachable")
        exported = write_exported(tmp_path / "exported", nasty_events(), nasty_items())
        prepare_exported("shop", folder, exported, lambda *_: None)
    with shop_folder(tmp_path, "shop"):
        pass
