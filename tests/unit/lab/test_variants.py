"""Products and their variants: one item a product, every row kept track of."""

from pathlib import Path
from typing import Any

from lab.importing.importer import ImportJob, run_import
from tests.unit.lab.pretend import PretendServices
from tests.unit.lab.test_import import NOW

HEAD = "sku,kind,name,price,qty,image,attrs,variants,parent\n"
MAPPING = """
[items]
price_unit = "major"
[items.fields]
item_id = "sku"
titles = { en = "name" }
price = "price"
currency = { constant = "EUR" }
stock = "qty"
images = { from = "image", split = "|" }
attributes = { from = "attrs", pairs = ";" }
[items.variants]
collect = { size = "sizes" }
lead = ["colour"]
"""
LISTED = MAPPING + 'children = { from = "variants", split = "|", pairs = ";", id = "sku" }\n'
NAMED = MAPPING + 'parent = "parent"\n'


def run(folder: Path, mapping: str, rows: str, refused: dict[str, str] | None = None) -> tuple[Any, PretendServices]:
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    (folder / "items.csv").write_text(HEAD + rows, encoding="utf-8")
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(name.encode())
    services = PretendServices(refused)
    job = ImportJob("items", folder / "items.csv", "shop", str(folder / "mapping.toml"))
    return run_import(job, services, NOW), services  # type: ignore[arg-type]


VARIANTS = "P-S,v,Shirt S,12,3,a.jpg,size=S;colour=red,,P\nP-M,v,Shirt M,10,4,b.jpg,size=M;colour=blue,,P\n"


def test_a_product_takes_price_stock_and_pictures_from_its_variants(tmp_path: Path) -> None:
    product = "P,p,Shirt,0,0,b.jpg,,sku=P-S;size=S|sku=P-M;size=M|sku=P-L,\n"
    report, services = run(tmp_path, LISTED, VARIANTS + product)
    assert (report.read, report.imported, report.merged, report.rejected) == (3, 1, 2, 0)
    assert report.dangling == {"variants": 1}
    item = services.items["P"]
    assert (item.price.amount_minor, item.stock) == (1000, 7)
    assert dict(item.attributes) == {"sizes": "S, M", "colour": "blue"}
    assert [image.content for image in item.images] == [b"b.jpg", b"a.jpg"]


def test_variants_may_name_their_product_instead(tmp_path: Path) -> None:
    report, services = run(tmp_path, NAMED, "P,p,Shirt,0,0,a.jpg,,,\n" + VARIANTS)
    assert (report.imported, report.merged) == (1, 2)
    assert services.items["P"].attributes["colour"] == "red"


def test_a_variant_without_its_product_is_an_item_by_itself(tmp_path: Path) -> None:
    report, services = run(tmp_path, NAMED, VARIANTS)
    assert (report.imported, report.merged, set(services.items)) == (2, 0, {"P-S", "P-M"})


def test_a_rejected_product_takes_its_variants_with_it(tmp_path: Path) -> None:
    report, _ = run(tmp_path, NAMED, "P,p,,0,0,a.jpg,,,\n" + VARIANTS)
    assert (report.imported, report.merged, report.rejected) == (0, 0, 3)
    assert report.reasons == {"title_missing": 1, "product_rejected": 2}


def test_a_product_refused_by_the_service_takes_its_variants_with_it(tmp_path: Path) -> None:
    report, _ = run(tmp_path, NAMED, "P,p,Shirt,0,0,a.jpg,,,\n" + VARIANTS, refused={"P": "titles"})
    assert (report.imported, report.merged, report.rejected) == (0, 0, 3)


def test_a_product_with_an_untracked_variant_is_not_tracked(tmp_path: Path) -> None:
    rows = "P,p,Shirt,0,0,a.jpg,,,\nP-S,v,S,12,,a.jpg,,,P\nP-M,v,M,11,4,a.jpg,,,P\n"
    _, services = run(tmp_path, NAMED, rows)
    assert not services.items["P"].HasField("stock")
