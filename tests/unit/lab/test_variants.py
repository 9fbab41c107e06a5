"""Products and their variants: one item a product, every row kept track of."""

from pathlib import Path
from typing import Any

import pytest

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


def run(
    folder: Path, mapping: str, rows: str, refused: dict[str, str] | None = None, rejects: Path | None = None
) -> tuple[Any, PretendServices]:
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    (folder / "items.csv").write_text(HEAD + rows, encoding="utf-8")
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(name.encode())
    services = PretendServices(refused)
    job = ImportJob("items", folder / "items.csv", "shop", str(folder / "mapping.toml"), rejects=rejects)
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


@pytest.mark.parametrize(
    ("mapping", "product"),
    [(NAMED, "P,p,Shirt,'5,x',0,a.jpg,,,"), (LISTED, "P,p,Shirt,'5,x',0,a.jpg,,sku=P-S;size=S|sku=P-M;size=M,")],
    ids=["named by the variants", "named by the product"],
)
def test_a_product_refused_while_reading_takes_its_variants_with_it(tmp_path: Path, mapping: str, product: str) -> None:
    product = product.replace("'", '"')
    rows = f"{VARIANTS}{product}\nX,p,Scarf,9,1,a.jpg,,,\n"
    if mapping == LISTED:
        rows = rows.replace(",,P\n", ",,\n")
    report, services = run(tmp_path, mapping, rows, rejects=tmp_path / "rejects.jsonl")
    assert (report.read, report.imported, report.rejected, set(services.items)) == (4, 1, 3, {"X"})
    assert report.reasons == {"price_malformed": 1, "product_rejected": 2}
    assert "'5,x' is not an amount" in report.samples["price_malformed"][0].remedy  # as written
    mended = tmp_path / "mended.jsonl"
    mended.write_text((tmp_path / "rejects.jsonl").read_text(encoding="utf-8").replace("5,x", "5"), encoding="utf-8")
    job = ImportJob("items", mended, "shop", str(tmp_path / "mapping.toml"))
    report = run_import(job, services, NOW)  # type: ignore[arg-type]
    assert (report.imported, report.merged, report.rejected, set(services.items)) == (1, 2, 0, {"X", "P"})
    assert sorted(services.items["P"].variant_ids) == ["P-M", "P-S"]


def test_the_variants_of_a_product_that_comes_again_in_order_stay_with_it(tmp_path: Path) -> None:
    report, services = run(tmp_path, NAMED, "P,p,Shirt,x,0,a.jpg,,,\n" + VARIANTS + "P,p,Shirt,5,0,a.jpg,,,\n")
    assert (report.imported, report.merged, report.rejected, set(services.items)) == (1, 2, 1, {"P"})


def test_fills_are_counted_once_also_when_a_row_is_refused_or_the_import_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.importing.import_items.ITEMS_A_STREAM", 1)
    rows = f"P,p,Shirt,0,0,b.jpg,,,\n{VARIANTS}X,p,Scarf,9,1,a.jpg,,,\nY,p,Cap,x,1,a.jpg,,,\n"
    whole, _ = run(tmp_path, NAMED, rows)
    assert whole.filled["currency: constant EUR"] == 5

    class Cut(BaseException):
        pass

    class Once(PretendServices):
        def send_items(self, shop_id: str, items: Any) -> Any:
            if items[0].item_id == "X":
                raise Cut
            return super().send_items(shop_id, items)

    job = ImportJob("items", tmp_path / "items.csv", "shop", str(tmp_path / "mapping.toml"), work=tmp_path / "work")
    with pytest.raises(Cut):
        run_import(job, Once(), NOW)  # type: ignore[arg-type]
    report = run_import(job, PretendServices(), NOW)  # type: ignore[arg-type]
    assert (report.resumed_rows, report.imported, report.filled) == (5, 2, whole.filled)


def test_a_product_refused_by_the_service_takes_its_variants_with_it(tmp_path: Path) -> None:
    report, _ = run(tmp_path, NAMED, "P,p,Shirt,0,0,a.jpg,,,\n" + VARIANTS, refused={"P": "titles"})
    assert (report.imported, report.merged, report.rejected) == (0, 0, 3)


def test_a_product_with_an_untracked_variant_is_not_tracked(tmp_path: Path) -> None:
    rows = "P,p,Shirt,0,0,a.jpg,,,\nP-S,v,S,12,,a.jpg,,,P\nP-M,v,M,11,4,a.jpg,,,P\n"
    _, services = run(tmp_path, NAMED, rows)
    assert not services.items["P"].HasField("stock")


def test_a_product_is_sent_with_the_ids_of_all_its_variants(tmp_path: Path) -> None:
    product = "P,p,Shirt,0,0,b.jpg,,sku=P-S;size=S|sku=P-M;size=M|sku=P-L,\n"
    _, services = run(tmp_path, LISTED, VARIANTS + product)
    assert list(services.items["P"].variant_ids) == ["P-S", "P-M", "P-L"]


def test_a_variant_that_names_itself_is_an_item(tmp_path: Path) -> None:
    report, services = run(tmp_path, NAMED, "P,p,Shirt,12,3,a.jpg,,,P\n")
    assert (report.imported, list(services.items["P"].variant_ids)) == (1, [])


def test_variants_that_name_each_other_become_one_product_and_the_report_says_so(tmp_path: Path) -> None:
    rows = (
        "C,v,Shirt C,9,1,a.jpg,,,A\nA,v,Shirt A,12,3,a.jpg,,,B\nB,v,Shirt B,10,4,b.jpg,,,C\nD,v,Shirt D,8,1,a.jpg,,,C\n"
    )
    for turned in (rows, "".join(reversed(rows.splitlines(keepends=True)))):
        report, services = run(tmp_path, NAMED, turned)
        assert (report.read, report.imported, report.merged, set(services.items)) == (4, 1, 3, {"A"})
        assert sorted(services.items["A"].variant_ids) == ["B", "C", "D"]
        assert report.filled["variants: a loop is cut at its smallest id"] == 1
        assert report.notes[0].startswith("A and B and C name each other as variants")


def test_a_variant_of_a_variant_belongs_to_the_product_above_both(tmp_path: Path) -> None:
    rows = "P,p,Shirt,0,0,a.jpg,,,\nP-S,v,Shirt S,12,3,a.jpg,,,P\nP-S-RED,v,Shirt S red,10,4,b.jpg,,,P-S\n"
    report, services = run(tmp_path, NAMED, rows)
    assert (report.imported, report.merged, set(services.items)) == (1, 2, {"P"})
    assert services.items["P"].price.amount_minor == 1000
    assert report.filled["variants: a variant's variant belongs to the product above both"] == 1


def test_items_that_name_each_other_as_family_are_one_family(tmp_path: Path) -> None:
    mapping = MAPPING.replace('item_id = "sku"', 'item_id = "sku"\nfamily_id = "parent"').partition("[items.variants]")[
        0
    ]
    rows = "B,v,S,12,3,a.jpg,,,A\nA,v,M,10,4,b.jpg,,,B\nC,v,L,10,4,b.jpg,,,B\nD,v,L,10,4,b.jpg,,,D\n"
    report, services = run(tmp_path, mapping, rows)
    assert {each: item.family_id for each, item in services.items.items()} == {"A": "A", "B": "A", "C": "B", "D": "D"}
    assert report.filled["family_id: a ring of items becomes one family"] == 1
