"""A real shop's export, as it is, counted a second time by a counter that shares no code with the importer."""

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.importing.import_links import KINDS
from lab.importing.importer import ImportJob, run_import
from tests.unit.lab.pretend import PretendServices

pytestmark = pytest.mark.shared_data
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def imported(shared_data: Path) -> tuple[PretendServices, object]:
    services = PretendServices()
    job = ImportJob("items", shared_data / "apparel_shop" / "products.csv", "apparel", "apparel_shop")
    return services, run_import(job, services, NOW)  # type: ignore[arg-type]


def test_every_row_is_accounted_for(shared_data: Path, imported: tuple[PretendServices, object]) -> None:
    services, report = imported
    rows = rows_of(shared_data / "apparel_shop" / "products.csv")
    products = {row["sku"] for row in rows if row["product_type"] == "configurable"}
    assert report.read == len(rows) == 1994
    assert report.imported == len(products) == 147
    assert report.merged == len(rows) - len(products) == 1847
    assert report.rejected == 0
    assert report.problems == []
    assert set(services.items) == products


def test_products_carry_what_their_variants_know(shared_data: Path, imported: tuple[PretendServices, object]) -> None:
    services, _ = imported
    variants: dict[str, list[dict[str, str]]] = defaultdict(list)
    rows = {row["sku"]: row for row in rows_of(shared_data / "apparel_shop" / "products.csv")}
    for row in rows.values():
        for entry in filter(None, row["configurable_variations"].split("|")):
            variants[row["sku"]].append(rows[entry.split(",")[0].removeprefix("sku=")])
    for sku, item in services.items.items():
        assert item.stock == sum(int(row["qty"]) for row in variants[sku])
        assert item.price.amount_minor == min(round(float(row["price"]) * 100) for row in variants[sku])
        assert item.attributes["colours"].count(",") + 1 == len({colour(row) for row in variants[sku]})
        assert item.attributes["colour"] in item.attributes["colours"]


def test_every_product_has_its_real_pictures(shared_data: Path, imported: tuple[PretendServices, object]) -> None:
    services, report = imported
    folder = shared_data / "apparel_shop" / "images"
    rows = {row["sku"]: row for row in rows_of(shared_data / "apparel_shop" / "products.csv")}
    assert not report.dangling
    for sku, item in services.items.items():
        assert item.images[0].content == (folder / rows[sku]["base_image"].lstrip("/")).read_bytes()


def test_words_are_clean_and_categories_are_departments(imported: tuple[PretendServices, object]) -> None:
    services, _ = imported
    for item in services.items.values():
        words = item.titles["en"] + item.descriptions["en"]
        assert "<" not in words
        assert "&" not in item.titles["en"]
        assert item.category.split("/")[0] in ("Men", "Women")
        assert item.category.count("/") == 2


def test_links_are_read_to_their_end(shared_data: Path) -> None:
    rows = rows_of(shared_data / "apparel_shop" / "products.csv")
    products = [row["sku"] for row in rows if row["product_type"] == "configurable"]
    job = ImportJob("links", shared_data / "apparel_shop" / "links.csv", "apparel", "apparel_shop")
    services = PretendServices(known_items=products)
    report = run_import(job, services, NOW)  # type: ignore[arg-type]
    links = rows_of(shared_data / "apparel_shop" / "links.csv")
    assert (report.read, report.imported, report.merged, report.rejected) == (len(links), len(links), 0, 0)
    assert sum(len(each) for each in services.links.values()) == len(links)
    first = links[0]
    assert services.links[first["sku"]][0] == (KINDS[first["kind"]], first["linked_sku"])


def colour(row: dict[str, str]) -> str:
    return dict(pair.split("=", 1) for pair in row["additional_attributes"].split(","))["color"]
