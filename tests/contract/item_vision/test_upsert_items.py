"""What CatalogueService.UpsertItems promises."""

import pytest

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, facts, item, listed, upsert
from tests.contract.refusals import BAD_SHOP, INVALID, refused
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.UpsertItems")
async def test_items_are_created_changed_and_left_alone(house):
    first = await upsert(house, item("a"), item("b"))
    assert (first.created_count, first.updated_count, first.unchanged_count) == (2, 0, 0)
    second = await upsert(house, item("a"), item("b", brand="Aria"), item("c"))
    assert (second.created_count, second.updated_count, second.unchanged_count) == (1, 1, 1)
    assert [each.item_id for each in await listed(house)] == ["a", "b", "c"]


async def test_several_messages_are_one_import(house):
    async def messages():
        yield pb.UpsertItemsRequest(shop_id=house.shop_id, items=[item("a")])
        yield pb.UpsertItemsRequest(items=[item("b"), item("", stock=-1)])

    answer = await house.catalogue.UpsertItems(messages())
    assert (answer.created_count, answer.rejected_count) == (2, 1)
    assert {(each.index, each.field) for each in answer.errors} == {(2, "item_id"), (2, "stock")}


@pytest.mark.parametrize(
    ("fields", "violated"),
    [
        ({"titles": {}}, "titles"),
        ({"titles": {"not a language": "x"}}, "titles[not a language]"),
        ({"price": common_pb2.Money(amount_minor=-1, currency="EUR")}, "price.amount_minor"),
        ({"price": common_pb2.Money(amount_minor=0, currency="EUR")}, "price.amount_minor"),
        ({"price": common_pb2.Money(amount_minor=1, currency="euro")}, "price.currency"),
        ({"list_price": common_pb2.Money(amount_minor=1, currency="EUR")}, "list_price.amount_minor"),
        ({"list_price": common_pb2.Money(amount_minor=9_999, currency="USD")}, "list_price.currency"),
        ({"margin_ratio": 1.5}, "margin_ratio"),
        ({"category": "a/b/c/d/e/f/g/h/i"}, "category"),
        ({"regions": ["Germany"]}, "regions[0]"),
        ({"minimum_age": 120}, "minimum_age"),
        ({"link": "javascript:alert(1)"}, "link"),
        (
            {"vectors": [common_pb2.ModalityVector(modality="sound", space_id="s", values=[float("nan")])]},
            "vectors[0].values",
        ),
    ],
)
async def test_an_item_that_breaks_a_rule_is_refused_and_the_others_are_kept(house, fields, violated):
    answer = await upsert(house, item("bad", **fields), item("good"))
    assert (answer.created_count, answer.rejected_count) == (1, 1)
    assert [(each.item_id, each.field, each.reason, each.kept_item) for each in answer.errors] == [
        ("bad", violated, "INVALID_REQUEST", False)
    ]


async def test_a_broken_picture_costs_the_picture_and_not_the_item(house):
    (house.picture_folder / "hat.jpg").write_bytes(drawn("frame").content)
    pictures = [
        drawn(),
        pb.Picture(content=drawn().content[:300]),
        pb.Picture(content=b"<svg/>"),
        pb.Picture(path="hat.jpg"),
        pb.Picture(path="../secret.jpg"),
        pb.Picture(path="none.jpg"),
        pb.Picture(url="http://127.0.0.1/hat.jpg"),
        pb.Picture(url="ftp://example.com/hat.jpg"),
    ]
    answer = await upsert(house, item("a", *pictures))
    assert (answer.created_count, answer.rejected_count) == (1, 0)
    assert [(each.field, each.reason, each.kept_item) for each in answer.errors] == [
        ("images[1]", "PICTURE_UNREADABLE", True),
        ("images[2]", "PICTURE_TYPE_UNSUPPORTED", True),
        ("images[4]", "PICTURE_ADDRESS_REFUSED", True),
        ("images[5]", "PICTURE_UNREADABLE", True),
        ("images[6]", "PICTURE_ADDRESS_REFUSED", True),
        ("images[7]", "PICTURE_ADDRESS_REFUSED", True),
    ]
    assert (await facts(house, "a")).image_count == 2


async def test_price_drops_and_restocks_are_noticed(house):
    await upsert(house, item("a", stock=0))
    await upsert(house, item("a", stock=3, price=common_pb2.Money(amount_minor=800, currency="EUR")))
    changed = await facts(house, "a")
    assert changed.HasField("restocked_at")
    assert changed.HasField("price_dropped_at")
    assert changed.previous_price.amount_minor == 1_000
    await upsert(house, item("a", price=common_pb2.Money(amount_minor=900, currency="EUR")))
    assert (await facts(house, "a")).previous_price.amount_minor == 1_000


@covers("CatalogueService.UpsertItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_stream_needs_a_shop_and_messages_of_a_size(house):
    await refused(upsert(house, item("a"), shop_id=BAD_SHOP), INVALID, "shop_id")
    await refused(house.catalogue.UpsertItems(iter([])), INVALID, "shop_id")
    await refused(upsert(house, *[item(f"i{number}") for number in range(501)]), INVALID, "items")
