import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lab.boutique import generate
from lab.boutique.event_log import ACTIONS

from .conftest import END, Exported

ITEM_FIELDS = {
    "item_id", "family_id", "seller", "brand", "category", "titles", "descriptions", "price_minor", "list_price_minor",
    "currency", "margin_ratio", "stock", "regions", "images", "link", "attributes", "created_at", "minimum_age",
}  # fmt: skip
EVENT_FIELDS = {
    "event_id", "action", "user_id", "session_id", "item_id", "occurred_at", "query", "page_id", "section_id", "row",
    "column", "device", "channel", "region", "locale", "quantity", "price_minor", "currency", "rating", "text",
}  # fmt: skip


def lines(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [json.loads(line) for line in text.splitlines()]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_summary_counts_what_is_on_disk(exported: Exported) -> None:
    summary, folder = exported.summary, exported.folder
    assert len(lines(folder / "items.jsonl.gz")) == summary.items == 160
    assert len(lines(folder / "events.jsonl.gz")) == summary.events
    assert len(lines(folder / "item_changes.jsonl.gz")) == summary.item_changes
    assert len(lines(folder / "campaigns.jsonl")) == summary.campaigns
    assert len(list((folder / "images").glob("*.jpg"))) == summary.pictures
    assert json.loads((folder / "boutique.json").read_text())["seed"] == 5


def test_items_have_the_documented_fields_and_nothing_hidden(exported: Exported) -> None:
    items = lines(exported.folder / "items.jsonl.gz")
    assert len({item["item_id"] for item in items}) == len(items)
    for item in items:
        assert set(item) == ITEM_FIELDS
        assert set(item["titles"]) == set(item["descriptions"]) == {"en", "zh", "es"}
        assert set(item["attributes"]) <= {"colour", "pattern", "material", "variety", "size"}
        assert 0 < item["price_minor"] <= item["list_price_minor"]
        assert (exported.folder / item["images"][0]).is_file()
    assert any("colour" not in item["attributes"] for item in items)
    assert any("pattern" not in item["attributes"] for item in items)


def test_events_have_the_documented_fields_in_order_of_time(exported: Exported) -> None:
    events = lines(exported.folder / "events.jsonl.gz")
    items = {item["item_id"] for item in lines(exported.folder / "items.jsonl.gz")}
    moments = [event["occurred_at"] for event in events]
    assert moments == sorted(moments)
    assert moments[-1] < f"{END.isoformat()}T00:00:00.000Z"
    assert len({event["event_id"] for event in events}) == len(events)
    for event in events:
        assert set(event) <= EVENT_FIELDS
        assert event["action"] in ACTIONS
        assert event["session_id"]
        assert ("item_id" in event) != (event["action"] == "search")
        assert ("query" in event) == (event["action"] == "search")
        assert ("page_id" in event) == (event["action"] in {"impression", "click"})
        assert event.get("item_id", "item-00001") in items


def test_a_click_has_an_impression_in_its_slot(exported: Exported) -> None:
    events = lines(exported.folder / "events.jsonl.gz")

    def slots(action: str) -> set[tuple[str, int, int, str]]:
        chosen = (event for event in events if event["action"] == action)
        return {(event["page_id"], event["row"], event["column"], event["item_id"]) for event in chosen}

    assert slots("click")
    assert slots("click") <= slots("impression")


def test_reviews_and_comments_have_words_and_ratings_stars(exported: Exported) -> None:
    for event in lines(exported.folder / "events.jsonl.gz"):
        if event["action"] in {"review", "comment"}:
            assert event["text"]
        if event["action"] in {"rate", "review"}:
            assert 1 <= event["rating"] <= 5
        if event["action"] == "purchase":
            assert event["quantity"] >= 1
            assert event["price_minor"] > 0
            assert event["user_id"]


def test_the_last_change_of_an_item_is_its_state(exported: Exported) -> None:
    items = {item["item_id"]: item for item in lines(exported.folder / "items.jsonl.gz")}
    changes = lines(exported.folder / "item_changes.jsonl.gz")
    assert [change["changed_at"] for change in changes] == sorted(change["changed_at"] for change in changes)
    latest = {change["item_id"]: change for change in changes}
    assert latest
    for item_id, change in latest.items():
        assert change.pop("changed_at") >= change["created_at"]
        assert change == items[item_id]
    assert any(item["stock"] == 0 for item in items.values())


def test_campaigns_have_banners_and_coupons(exported: Exported) -> None:
    campaigns = lines(exported.folder / "campaigns.jsonl")
    categories = {item["category"] for item in lines(exported.folder / "items.jsonl.gz")}
    assert len(campaigns) >= 4
    over = [campaign for campaign in campaigns if campaign["ends_at"][:10] < END.isoformat()]
    assert 0 < len(over) < len(campaigns)
    for campaign in campaigns:
        assert campaign["starts_at"] < campaign["ends_at"]
        assert campaign["budget_minor"] > 0
        assert set(campaign["segment"]) == {"regions", "locales", "devices"}
        assert campaign["item_filter"].get("category", next(iter(categories))) in categories
        for banner in campaign["banners"]:
            assert set(banner["titles"]) == {"en", "zh", "es"}
            with Image.open(exported.folder / banner["image"]) as picture:
                assert picture.width > 2 * picture.height
        for coupon in campaign["coupons"]:
            assert ("discount_percent" in coupon) != ("discount_minor" in coupon)
            assert ("currency" in coupon) == ("discount_minor" in coupon)


def test_the_truth_lies_in_its_own_folder_only(exported: Exported) -> None:
    outside = [path for path in exported.folder.rglob("*.np*") if path.parent.name != "truth"]
    assert outside == []
    for name in ("items.jsonl.gz", "events.jsonl.gz", "item_changes.jsonl.gz"):
        text = gzip.decompress((exported.folder / name).read_bytes()).decode()
        for hidden in ("ornament", "mood", "style", "persona", "quality", "taste", "copy_of", "intent"):
            assert f'"{hidden}"' not in text


def test_equal_arguments_give_equal_bytes(
    exported: Exported, export_boutique: Callable[[Path, int], Exported], tmp_path: Path
) -> None:
    # The truth is a zip archive, to whose entries numpy gives a fixed date: it is compared as well.
    assert digests(export_boutique(tmp_path / "again", 5).folder) == digests(exported.folder)


def test_progress_reaches_the_end_of_every_phase(exported: Exported) -> None:
    for phase in ("days", "pictures", "files"):
        steps = [(done, total) for name, done, total in exported.told if name == phase]
        assert steps
        assert steps[-1][0] == steps[-1][1]
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_it_overwrites_a_boutique_but_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "letter.txt").write_text("keep me")
    with pytest.raises(FileExistsError, match="not a generated boutique"):
        generate(folder, seed=1, end=END, items=100, users=20)
    assert (folder / "letter.txt").read_text() == "keep me"
    with pytest.raises(ValueError, match="at least 100 items"):
        generate(tmp_path / "tiny", seed=1, end=END, items=99, users=20)
