"""Every RPC of item_vision.proto while the database is away."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import (
    RELATED,
    drawn,
    got,
    item,
    listed,
    put_links,
    reconciled,
    resolved,
    similar,
    upsert,
    watching,
)
from tests.contract.refusals import DOWN, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.UpsertItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.GetItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ListItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.WatchItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.DeleteItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ReconcileItems", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ResolveVariants", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.PutLinks", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.GetFeatureProgress", "UNAVAILABLE DATABASE_DOWN")
@covers("CatalogueService.ExportFeatures", "UNAVAILABLE DATABASE_DOWN")
@covers("ItemVisionService.GetImage", "UNAVAILABLE DATABASE_DOWN")
@covers("ItemVisionService.FindSimilarItems", "UNAVAILABLE DATABASE_DOWN")
async def test_without_a_database_every_call_says_so_and_recovers(house):
    await upsert(house, item("a", drawn()))
    await house.break_database()
    calls = [
        lambda: upsert(house, item("b")),
        lambda: got(house, "a"),
        lambda: listed(house),
        lambda: watching(house, stop_at_end=True),
        lambda: house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["a"])),
        lambda: reconciled(house, "a"),
        lambda: resolved(house, "a"),
        lambda: put_links(house, "a", (RELATED, "b")),
        lambda: house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id)),
        lambda: house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=house.shop_id)),
        lambda: house.vision.GetImage(pb.GetImageRequest(shop_id=house.shop_id, item_id="a")),
        lambda: similar(house, item_id="a"),
    ]
    for call in calls:
        await refused(call(), DOWN)
    await house.mend_database()
    assert [each.item_id for each in await listed(house)] == ["a"]
