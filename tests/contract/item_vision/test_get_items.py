"""What CatalogueService.GetItems promises, and vectors in the spaces of a release."""

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import UNREADY, drawn, got, item, listed, upsert, watching
from tests.contract.refusals import BAD_SHOP, INVALID, RELEASE_NOT_READY, refused
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.GetItems")
async def test_items_come_in_the_order_asked_in_the_language_asked(house):
    await upsert(
        house,
        item("a", drawn(), titles={"en": "Hat", "es": "Sombrero"}, descriptions={"en": "Warm."}),
        item("b", stock=0, list_price=common_pb2.Money(amount_minor=1_500, currency="EUR")),
    )
    answer = await got(house, "b", "nobody", "a", "b", locale="es-MX")
    assert [each.item_id for each in answer.items] == ["b", "a", "b"]
    assert list(answer.missing_item_ids) == ["nobody"]
    assert [(each.title, each.title_locale) for each in answer.items[:2]] == [("Item b", "en"), ("Sombrero", "es")]
    assert (answer.items[0].in_stock, answer.items[0].list_price.amount_minor) == (False, 1_500)
    assert (answer.items[1].image_count, answer.items[1].link, dict(answer.items[1].titles)) == (1, "/items/a", {})
    full = (await got(house, "a", full=True)).items[0]
    assert (dict(full.titles), dict(full.descriptions)) == ({"en": "Hat", "es": "Sombrero"}, {"en": "Warm."})


@covers("CatalogueService.GetItems")
async def test_what_is_still_at_the_revision_held_is_not_answered_again(house):
    await upsert(house, item("same"), item("dearer"), item("gone"), item("new"))
    held = {each.item_id: each.revision for each in await listed(house)} | {"new": 0}
    assert held["same"] > 0
    await upsert(house, item("same"), item("dearer", price=common_pb2.Money(amount_minor=2_000, currency="EUR")))
    await house.catalogue.DeleteItems(pb.DeleteItemsRequest(shop_id=house.shop_id, item_ids=["gone"]))
    answer = await got(house, *held, known_revisions=held.values())
    assert sorted((each.item_id, each.price.amount_minor) for each in answer.items) == [
        ("dearer", 2_000),
        ("new", 1_000),
    ]
    assert list(answer.missing_item_ids) == ["gone"]
    now = {each.item_id: each.revision for each in await listed(house)}
    assert {each.item_id: each.revision for each in answer.items} == {each: now[each] for each in ("dearer", "new")}
    assert not (await got(house, *now, known_revisions=now.values())).items


async def test_vectors_come_in_the_spaces_of_the_release_beside_the_shops_own(house):
    sound = common_pb2.ModalityVector(modality="sound", space_id="wave", values=[1.0, 2.0])
    await upsert(house, item("a", drawn(), vectors=[sound]), item("wordy"))
    await house.work()
    answer = await got(house, "a", "wordy", vector_release_id=house.release_id)
    seen = [{vector.modality: len(vector.values) for vector in each.vectors} for each in answer.items]
    assert seen == [{"image": 64, "text": 64, "sound": 2}, {"text": 64}]
    assert all(vector.space_id for each in answer.items for vector in each.vectors)
    assert not (await got(house, "a")).items[0].vectors


@covers("CatalogueService.GetItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_lookups_are_refused_by_field(house):
    await refused(house.catalogue.GetItems(pb.GetItemsRequest(shop_id=BAD_SHOP)), INVALID, "shop_id", "item_ids")
    await refused(got(house, *["a"] * 1_001), INVALID, "item_ids")
    await refused(got(house, "a", "b", known_revisions=[1]), INVALID, "known_revisions")
    await refused(
        got(house, "a", "", locale="no such", vector_release_id="1"),
        INVALID,
        "item_ids[1]",
        "locale",
        "vector_release_id",
    )


@covers("CatalogueService.GetItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("CatalogueService.ListItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("CatalogueService.WatchItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_vectors_of_a_release_that_is_not_loaded_are_refused(house):
    await refused(got(house, "a", vector_release_id=UNREADY), RELEASE_NOT_READY)
    await refused(listed(house, vector_release_id=UNREADY), RELEASE_NOT_READY)
    await refused(watching(house, vector_release_id=UNREADY), RELEASE_NOT_READY)
