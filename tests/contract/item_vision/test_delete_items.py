"""What CatalogueService.DeleteItems promises."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, item, listed, upsert
from tests.contract.refusals import INVALID, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.DeleteItems")
async def test_deleted_items_are_gone_and_may_come_back(house):
    await upsert(house, item("a", drawn()), item("b"))
    await house.work()
    asked = pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a", "nobody", "a"])
    answer = await house.catalogue.DeleteItems(asked)
    assert (answer.deleted_count, list(answer.missing_item_ids)) == (1, ["nobody"])
    assert (await house.catalogue.DeleteItems(asked)).deleted_count == 0
    assert [each.item_id for each in await listed(house)] == ["b"]
    assert (await upsert(house, item("a", drawn()))).created_count == 1


@covers("CatalogueService.DeleteItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_deleting_nothing_is_refused(house):
    await refused(house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id)), INVALID, "item_ids")
