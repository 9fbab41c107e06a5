"""`vitrine import pictures` against the real item_vision."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from lab.importing.importer import ImportJob, Kind, held_store, run_import
from lab.importing.report import ImportReport
from lab.importing.sending import Addresses, Services
from tests.contract.item_vision.houses import real_house
from tests.model.item_vision.drawings import encoded, pixels
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

NOBODY = ("127.0.0.1:1",)
MAPPING = """
[items.fields]
item_id = "item_id"
titles = "titles"
price = "price_minor"
currency = "currency"
variant_ids = "variant_ids"
[pictures.fields]
item_id = "item_id"
image = "image"
"""


def item(item_id: str, **fields: object) -> pb.ItemInput:
    price = common_pb2.Money(amount_minor=1_000, currency="EUR")
    return pb.ItemInput(item_id=item_id, titles={"en": f"Item {item_id}"}, price=price, stock=5, **fields)


async def test_pictures_reach_the_items_they_name_and_change_nothing_else(postgres_dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "brought"
    folder.mkdir()
    for name, colour in (("red.png", "red"), ("blue.png", "blue")):
        (folder / name).write_bytes(encoded(pixels("disc", colour, 1, 96)))
    file = folder / "pictures.csv"
    file.write_text(
        f"item_id,image\na,red.png\na,/blue.png\nb,{folder}/blue.png\nb,none.png\nnobody,red.png\n", encoding="utf-8"
    )
    async with real_house(postgres_dsn, tmp_path) as house:
        sound = common_pb2.ModalityVector(modality="sound", space_id="ears", values=[0.5, 0.25])
        items = [
            item("a", regions=["DE"], minimum_age=18, variant_ids=["a-s", "a-m"], vectors=[sound]),
            item("b", margin_ratio=0.25, variant_ids=["b-s"]),
        ]
        await house.catalogue.UpsertItems(iter([pb.UpsertItemsRequest(shop_id=house.shop_id, items=items)]))
        before = await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id))
        services = Services(Addresses(NOBODY, (house.address,), NOBODY))
        job = ImportJob("pictures", file, house.shop_id)
        reports = [await asyncio.to_thread(run_import, job, services, datetime.now(UTC)) for _ in range(2)]
        after = await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id))
        question = pb.ResolveVariantsRequest(shop_id=house.shop_id, variant_ids=["a-m", "b-s"])
        variants = await house.catalogue.ResolveVariants(question)
        full = pb.GetItemsRequest(shop_id=house.shop_id, item_ids=["a"], full=True)
        (again,) = (await house.catalogue.GetItems(full)).items
        services.close()
    assert list(variants.item_ids) == ["a", "b"]
    assert list(again.brought_vectors) == [sound]
    for report in reports:
        assert (report.read, report.imported, report.rejected) == (5, 3, 2)
        assert dict(report.reasons) == {"picture_missing": 1, "item_unknown": 1}
    assert [(each.item_id, each.image_count) for each in after.items] == [("a", 2), ("b", 1)]
    for old, new in zip(before.items, after.items, strict=True):
        for field in ("image_count", "image_etag", "revision", "near_duplicate_cluster"):
            old.ClearField(field)
            new.ClearField(field)
        assert new == old


async def test_pictures_that_come_before_their_items_are_joined(postgres_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(encoded(pixels("disc", "red", 1, 96)))
    pictures, items = tmp_path / "pictures.csv", tmp_path / "items.jsonl"
    pictures.write_text("item_id,image\na,red.png\nb,red.png\n", encoding="utf-8")
    row = {"item_id": "a", "titles": {"en": "Tea"}, "price_minor": 500, "currency": "EUR", "variant_ids": ["a-s"]}
    items.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "house").mkdir()
    async with real_house(postgres_dsn, tmp_path / "house") as house:
        services = Services(Addresses(NOBODY, (house.address,), NOBODY))

        def imported(kind: Kind, file: Path) -> ImportReport:
            job = ImportJob(kind, file, house.shop_id, str(tmp_path / "mapping.toml"), work=tmp_path / "work")
            return run_import(job, services, datetime.now(UTC))

        early = await asyncio.to_thread(imported, "pictures", pictures)
        then = await asyncio.to_thread(imported, "items", items)
        listed = await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id))
        question = pb.ResolveVariantsRequest(shop_id=house.shop_id, variant_ids=["a-s"])
        variants = await house.catalogue.ResolveVariants(question)
        services.close()
    assert list(variants.item_ids) == ["a"]
    assert (early.read, early.imported, early.held, early.rejected) == (2, 0, 2, 0)
    assert then.joined == {"pictures imported": 1}
    assert [(each.item_id, each.image_count) for each in listed.items] == [("a", 1)]
    store = held_store(tmp_path / "work", house.shop_id)
    assert [each.item_id for each in store.summary()] == ["b"]
    store.close()
