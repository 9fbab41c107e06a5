"""The import of links: every row is sent or refused with a reason."""

import json
from pathlib import Path

import pytest

from lab.importing import import_links
from lab.importing.importer import ImportJob, run_import
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
