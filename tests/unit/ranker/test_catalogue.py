import numpy as np
import pytest

from services.ranker.catalogue import Catalogue, CatalogueItem
from services.ranker.catalogue_watch import Reading, catalogue_item, take_in
from tests.small_shop import small_items
from vitrine.item_vision.v1.item_vision_pb2 import ItemFacts, WatchItemsResponse


def item(item_id: str, **changes) -> CatalogueItem:
    fields = {
        "brand": "Aster",
        "category": "Women/Dresses",
        "price_minor": 1_999,
        "list_price_minor": 0,
        "stock": 3,
        "created_s": 1_000.0,
        "words": f"dress {item_id}",
    }
    return CatalogueItem(item_id=item_id, **(fields | changes))


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.put([item("a"), item("b", brand="Birch"), item("c")])
    return catalogue


def test_an_updated_item_keeps_its_position(catalogue):
    before = catalogue.positions(["a", "b", "c"]).tolist()
    catalogue.put([item("b", price_minor=99, brand="Cedar", words="lamp")])
    assert catalogue.positions(["a", "b", "c"]).tolist() == before == [0, 1, 2]
    assert catalogue.price_minor.tolist() == [1_999, 99, 1_999]
    assert list(catalogue.brands.column(catalogue.brand_codes)) == ["Aster", "Cedar", "Aster"]
    assert np.flatnonzero(catalogue.words.match("lamp")).tolist() == [1]


def test_a_deleted_item_has_no_position_until_it_comes_back(catalogue):
    catalogue.delete(["b", "nobody"])
    assert catalogue.positions(["a", "b", "nobody"]).tolist() == [0, -1, -1]
    assert catalogue.all_positions(["b", "nobody"]).tolist() == [1, -1]
    assert catalogue.present.tolist() == [True, False, True]
    catalogue.put([item("b")])
    assert catalogue.positions(["b"]).tolist() == [1]


def test_an_item_that_comes_twice_at_once_is_as_it_was_said_last():
    catalogue = Catalogue()
    catalogue.put([item("a"), item("b", words="lamp"), item("c"), item("b", brand="Cedar", words="shoe"), item("d")])
    assert catalogue.positions(["a", "b", "c", "d"]).tolist() == [0, 1, 2, 3]
    assert catalogue.item_ids == ["a", "b", "c", "d"]
    assert list(catalogue.brands.column(catalogue.brand_codes)) == ["Aster", "Cedar", "Aster", "Aster"]
    assert catalogue.words.match("lamp").tolist() == [0.0] * 4
    assert np.flatnonzero(catalogue.words.match("shoe")).tolist() == [1]


def test_columns_grow_with_the_items():
    catalogue = Catalogue()
    catalogue.put([item(f"i{number}", price_minor=number) for number in range(3_000)])
    assert len(catalogue) == 3_000
    assert catalogue.price_minor.tolist() == list(range(3_000))
    assert catalogue.present.all()


def test_an_empty_catalogue_knows_no_positions():
    assert Catalogue().positions(["a"]).tolist() == [-1]


def test_stock_beyond_the_column_is_cut_not_wrapped(catalogue):
    catalogue.put([item("a", stock=2**40)])
    assert catalogue.stock[0] == 2**31 - 1


def test_facts_become_an_item_with_every_searchable_word():
    kept = catalogue_item(small_items(1)[0].facts())
    assert kept.category == "Women/Dresses"
    assert kept.list_price_minor > kept.price_minor > 0
    for word in ("dress", "vestido", "连衣裙", kept.brand.lower()):
        assert word in kept.words.lower()


def test_what_the_shop_does_not_say_is_marked():
    kept = catalogue_item(ItemFacts(item_id="x"))
    assert (kept.stock, kept.list_price_minor, kept.price_minor) == (-1, 0, 0)


def facts(*item_ids: str) -> list[ItemFacts]:
    return [ItemFacts(item_id=item_id) for item_id in item_ids]


def test_the_catalogue_is_complete_when_the_watch_is_up_to_date():
    catalogue, reading = Catalogue(), Reading()
    take_in(catalogue, WatchItemsResponse(cursor="1", items=facts("a")), reading)
    assert not catalogue.complete
    take_in(catalogue, WatchItemsResponse(cursor="2", items=facts("b"), up_to_date=True), reading)
    assert (catalogue.complete, catalogue.cursor) == (True, "2")
    assert catalogue.present.tolist() == [True, True]


def test_reading_the_catalogue_anew_drops_what_it_no_longer_has():
    catalogue, reading = Catalogue(), Reading()
    take_in(catalogue, WatchItemsResponse(cursor="2", items=facts("a", "b", "c"), up_to_date=True), reading)
    anew = Reading()
    take_in(catalogue, WatchItemsResponse(cursor="1", items=facts("a", "c")), anew)
    take_in(catalogue, WatchItemsResponse(cursor="2", deleted_item_ids=["c"], up_to_date=True), anew)
    assert catalogue.positions(["a", "b", "c"]).tolist() == [0, -1, -1]


def test_a_later_message_deletes_only_what_it_names():
    catalogue, reading = Catalogue(), Reading()
    take_in(catalogue, WatchItemsResponse(cursor="2", items=facts("a", "b"), up_to_date=True), reading)
    take_in(catalogue, WatchItemsResponse(cursor="3", items=facts("c"), up_to_date=True), reading)
    assert catalogue.present.tolist() == [True, True, True]
