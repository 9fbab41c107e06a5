"""What CatalogueService.WatchItems promises."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, item, upsert, watching
from tests.contract.refusals import INVALID, read, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.WatchItems")
async def test_a_watch_starts_with_everything_and_goes_on_with_changes_and_deletions(house):
    await upsert(house, item("a"), item("b"))
    watch = watching(house)
    first = await watch.read()
    assert (sorted(each.item_id for each in first.items), first.up_to_date) == (["a", "b"], True)
    await upsert(house, item("b", brand="Aria"))
    second = await watch.read()
    assert [(each.item_id, each.brand) for each in second.items] == [("b", "Aria")]
    await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a"]))
    third = await watch.read()
    assert list(third.deleted_item_ids) == ["a"]
    watch.cancel()
    resumed = await read(watching(house, first.cursor, stop_at_end=True))
    assert [each.item_id for message in resumed for each in message.items] == ["b"]
    assert [gone for message in resumed for gone in message.deleted_item_ids] == ["a"]
    assert not [
        each for message in await read(watching(house, third.cursor, stop_at_end=True)) for each in message.items
    ]


async def test_a_watch_says_when_everything_is_told_even_where_the_last_page_is_full(house, monkeypatch):
    monkeypatch.setattr("services.item_vision.catalogue_servicer.WATCH_PAGE", 2)
    await upsert(house, *[item(f"i{number}") for number in range(4)])
    told = await read(watching(house, stop_at_end=True))
    assert sorted(each.item_id for message in told for each in message.items) == ["i0", "i1", "i2", "i3"]
    assert [message.up_to_date for message in told][-1] is True


async def test_the_first_message_of_a_quiet_watch_carries_a_cursor(house):
    (message,) = await read(watching(house, stop_at_end=True))
    assert (list(message.items), message.up_to_date) == ([], True)
    assert message.cursor


async def test_watchers_are_told_when_features_are_there(house):
    await upsert(house, item("a", drawn()))
    (before,) = await read(watching(house, stop_at_end=True))
    await house.work()
    (after,) = await read(watching(house, before.cursor, stop_at_end=True, vector_release_id=house.release_id))
    assert [vector.modality for vector in after.items[0].vectors] == ["image", "text"]


@covers("CatalogueService.WatchItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_an_unreadable_cursor_is_refused(house):
    await refused(watching(house, "where I was"), INVALID, "cursor")
    await refused(house.catalogue.WatchItems(pb.WatchItemsRequest()), INVALID, "shop_id")
