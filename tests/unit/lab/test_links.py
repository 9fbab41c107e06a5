"""The import of links: every row is sent or refused with a reason."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.importing import import_links
from lab.importing.importer import ImportJob, run_import
from lab.importing.sending import link_batches
from tests.unit.lab.pretend import PretendServices
from tests.unit.lab.test_import import NOW
from vitrine.item_vision.v1 import item_vision_pb2 as pb

MAPPING = '[links.fields]\nitem_id = "sku"\nlinked_item_id = "to"\nrelation = "kind"\n'


def test_links_are_sent_item_by_item_and_bad_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_links, "ROWS_A_BATCH", 4)
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    rows = [
        ("a", "b", "related"), ("b", "a", "Cross-Sell"), ("a", "c", "UPSELL"), ("a", "b", "related"),
        ("a", "a", "related"), ("a", "", "related"), ("a", "d", "friend"), ("a", "d", "cross_sell"),
    ]  # fmt: skip
    path = tmp_path / "links.jsonl"
    path.write_text(
        "".join(json.dumps({"sku": sku, "to": to, "kind": kind}) + "\n" for sku, to, kind in rows), encoding="utf-8"
    )
    services = PretendServices()
    report = run_import(
        ImportJob("links", path, "shop", str(tmp_path / "mapping.toml")),
        services,
        NOW,  # type: ignore[arg-type]
    )
    assert (report.read, report.imported, report.merged, report.rejected) == (8, 4, 1, 3)
    assert report.reasons == {"link_to_itself": 1, "linked_item_id_missing": 1, "relation_unknown": 1}
    assert report.dangling == {"links whose items are not there yet": 2}
    assert services.links == {
        "a": [(pb.LINK_KIND_RELATED, "b"), (pb.LINK_KIND_UPSELL, "c"), (pb.LINK_KIND_CROSS_SELL, "d")],
        "b": [(pb.LINK_KIND_CROSS_SELL, "a")],
    }


def test_many_links_of_one_item_are_sent_in_parts_and_those_that_are_not_kept_are_told(tmp_path: Path) -> None:
    class Sparing(PretendServices):
        sizes: list[int] = []  # noqa: RUF012

        def put_links(self, shop_id: str, items: Sequence[Any]) -> pb.PutLinksResponse:
            self.sizes += [len(entry.links) for entry in items]
            answer = super().put_links(shop_id, items)
            answer.dropped_count = 30
            return answer

    path = tmp_path / "links.jsonl"
    rows = [{"sku": "a", "to": f"b{number}", "kind": "related"} for number in range(230)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    job = ImportJob("links", path, "shop", str(tmp_path / "mapping.toml"))
    report = run_import(job, Sparing(), NOW)  # type: ignore[arg-type]
    assert (report.imported, report.rejected) == (230, 0)
    assert Sparing.sizes == [200, 30]
    assert report.filled["links: the first 200 of an item kept"] == 30


def test_a_message_names_each_item_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.importing.sending.ITEMS_A_QUESTION", 3)
    batches = link_batches([pb.ItemLinks(item_id=item_id) for item_id in "aabcdeff"])
    assert ["".join(entry.item_id for entry in batch) for batch in batches] == ["a", "abc", "def", "f"]
