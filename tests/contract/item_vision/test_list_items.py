"""What CatalogueService.ListItems promises."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import (
    CROSS_SELL,
    RELATED,
    drawn,
    facts,
    item,
    listed,
    pairs,
    put_links,
    upsert,
    watching,
)
from tests.contract.refusals import INVALID, read, refused
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.ListItems")
async def test_the_catalogue_is_paged_by_id_and_nothing_is_missed_by_watching_from_the_first_page(house):
    await upsert(
        house, *[item(f"i{number}", category="Women/Hats", attributes={"colour": "red"}) for number in range(5)]
    )
    first = await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id, page_size=3))
    await upsert(house, item("i0", brand="Aria"))
    second = await house.catalogue.ListItems(
        pb.ListItemsRequest(shop_id=house.shop_id, page_size=3, page_token=first.next_page_token)
    )
    assert [each.item_id for each in [*first.items, *second.items]] == ["i0", "i1", "i2", "i3", "i4"]
    assert (second.next_page_token, first.items[0].colour, first.items[0].family_id) == ("", "red", "i0")
    later = await read(watching(house, first.watch_cursor, stop_at_end=True))
    assert "Aria" in [each.brand for message in later for each in message.items if each.item_id == "i0"]


async def test_whoever_holds_the_catalogue_is_told_everything_that_is_known_of_an_item(house):
    sound = common_pb2.ModalityVector(modality="sound", space_id="wave", values=[1.0, 2.0])
    sent = item(
        "hat", drawn(), drawn("frame"), family_id="hats", brand="Aster", category="Women/Hats", seller="Aster & Sons",
        titles={"en": "Hat", "es": "Sombrero “añil”"}, attributes={"colour": "red", "size": "\\ \"L\""}, stock=7,
        price=common_pb2.Money(amount_minor=900, currency="EUR"), margin_ratio=0.25, regions=["AT", "DE"],
        list_price=common_pb2.Money(amount_minor=1_500, currency="EUR"), minimum_age=18, vectors=[sound],
        link="https://shop.example/hat", variant_ids=["hat-s", "hat-m"],
    )  # fmt: skip
    sent.created_at.FromNanoseconds(1_600_000_000_123_456_000)
    await upsert(house, sent, item("plain", stock=None))
    await put_links(house, "hat", (CROSS_SELL, "coat"), (RELATED, "plain"))
    told = {each.item_id: each for message in await read(watching(house, stop_at_end=True)) for each in message.items}
    assert [told["hat"], told["plain"]] == await listed(house)
    hat, plain = told["hat"], told["plain"]
    for name in (
        "family_id", "brand", "category", "seller", "titles", "attributes", "stock", "price", "list_price",
        "margin_ratio", "regions", "minimum_age", "link", "variant_ids", "created_at",
    ):  # fmt: skip
        assert getattr(hat, name) == getattr(sent, name), name
    assert (hat.colour, hat.image_count, len(hat.image_etag), pairs(hat)) == (
        "red", 2, 16, [(CROSS_SELL, "coat"), (RELATED, "plain")],
    )  # fmt: skip
    assert hat.revision > 0
    absent = ("list_price", "margin_ratio", "stock", "restocked_at", "price_dropped_at", "previous_price")
    assert not [name for name in absent if plain.HasField(name)]
    assert (plain.image_count, plain.image_etag, list(plain.links), list(plain.vectors)) == (0, "", [], [])
    assert not hat.vectors  # unless asked for
    with_vectors = await facts(house, "hat", vector_release_id=house.release_id)
    assert [(each.modality, each.values) for each in with_vectors.vectors] == [("sound", [1.0, 2.0])]


async def test_only_items_created_since_a_time_are_listed(house):
    old, new = item("old"), item("new")
    old.created_at.FromSeconds(1_600_000_000)
    new.created_at.FromSeconds(1_700_000_000)
    await upsert(house, old, new)
    request = pb.ListItemsRequest(shop_id=house.shop_id)
    request.created_from.FromSeconds(1_650_000_000)
    assert [each.item_id for each in (await house.catalogue.ListItems(request)).items] == ["new"]


@covers("CatalogueService.ListItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_pages_are_refused_by_field(house):
    await refused(listed(house, page_size=-1), INVALID, "page_size")
    await refused(listed(house, page_size=5_001), INVALID, "page_size")
    await refused(listed(house, page_token="next please"), INVALID, "page_token")
