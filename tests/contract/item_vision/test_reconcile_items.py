"""What CatalogueService.ReconcileItems promises, and what becomes of the items it retires."""

import grpc

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, got, image, item, listed, reconciled, upsert, watching
from tests.contract.refusals import BAD_SHOP, INVALID, read, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.ReconcileItems")
async def test_what_a_whole_catalogue_no_longer_names_is_retired_and_can_be_revived(house):
    await upsert(house, item("a"), item("b", drawn()), item("c"))
    await house.work()
    (before,) = await read(watching(house, stop_at_end=True))

    async def messages():
        yield pb.ReconcileItemsRequest(shop_id=house.shop_id, item_ids=["a", "never there"])
        yield pb.ReconcileItemsRequest(item_ids=["c", "a"], complete=True)

    answer = await house.catalogue.ReconcileItems(messages())
    assert (answer.retired_count, answer.present_count) == (1, 2)
    assert [each.item_id for each in await listed(house)] == ["a", "c"]
    (gone,) = await read(watching(house, before.cursor, stop_at_end=True))
    assert (list(gone.items), list(gone.deleted_item_ids)) == ([], ["b"])
    assert list((await got(house, "b")).missing_item_ids) == ["b"]
    assert (await image(house, "b")).content
    again = await reconciled(house, "a", "c")
    assert (again.retired_count, again.present_count) == (0, 2)
    revived = await upsert(house, item("a"), item("b", drawn()))
    assert (revived.created_count, revived.updated_count, revived.revived_count, revived.unchanged_count) == (
        0,
        1,
        1,
        1,
    )
    (back,) = await read(watching(house, gone.cursor, stop_at_end=True))
    assert [each.item_id for each in back.items] == ["b"]
    progress = await house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id))
    assert (progress.waiting_count, progress.done_count) == (0, 3)


@covers("CatalogueService.GetItems")
@covers("CatalogueService.ListItems")
async def test_retired_items_are_answered_to_whoever_asks_for_them(house):
    await upsert(house, item("a"), item("b"))
    await reconciled(house, "a")
    answer = await got(house, "b", "a", "nobody", include_retired=True)
    assert [(each.item_id, each.retired) for each in answer.items] == [("b", True), ("a", False)]
    assert list(answer.missing_item_ids) == ["nobody"]
    everything = await listed(house, include_retired=True)
    assert [(each.item_id, each.retired) for each in everything] == [("a", False), ("b", True)]
    deleted = await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["b"]))
    assert deleted.deleted_count == 1
    assert [each.item_id for each in await listed(house, include_retired=True)] == ["a"]


@covers("CatalogueService.ReconcileItems", "FAILED_PRECONDITION LOSSES_IMPLAUSIBLE")
async def test_an_implausible_loss_is_refused_until_it_is_allowed(house):
    await upsert(house, *[item(f"i{number:02}") for number in range(20)])
    kept = [f"i{number:02}" for number in range(9)]
    error = await refused(reconciled(house, *kept), (grpc.StatusCode.FAILED_PRECONDITION, "LOSSES_IMPLAUSIBLE"))
    assert (error.metadata["lost_count"], error.metadata["present_count"]) == ("11", "20")
    assert "--allow-losses" in error.message
    assert len(await listed(house)) == 20
    assert (await reconciled(house, *kept, "i09")).retired_count == 10
    assert (await reconciled(house, "i00")).retired_count == 9
    await upsert(house, *[item(f"i{number:02}") for number in range(20)])
    assert (await reconciled(house, *kept, allow_losses=True)).retired_count == 11


@covers("CatalogueService.ReconcileItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_reconciliation_that_is_not_completed_retires_nothing(house):
    await upsert(house, item("a"), item("b"))
    await refused(reconciled(house, "a", complete=False), INVALID, "complete")
    await refused(house.catalogue.ReconcileItems(iter([])), INVALID, "complete")
    await refused(reconciled(house, "a", ""), INVALID, "item_ids[1]")
    await refused(reconciled(house, *["a"] * 10_001), INVALID, "item_ids")
    twice = [pb.ReconcileItemsRequest(shop_id=house.shop_id, complete=True) for _ in range(2)]
    await refused(house.catalogue.ReconcileItems(iter(twice)), INVALID, "complete")
    nameless = [pb.ReconcileItemsRequest(shop_id=BAD_SHOP, complete=True)]
    await refused(house.catalogue.ReconcileItems(iter(nameless)), INVALID, "shop_id")
    assert len(await listed(house)) == 2
