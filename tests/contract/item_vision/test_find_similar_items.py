"""What ItemVisionService.FindSimilarItems promises."""

import grpc

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, item, listed, similar, upsert
from tests.contract.item_vision.houses import House
from tests.contract.refusals import INVALID, refused
from vitrine.item_vision.v1 import item_vision_pb2 as pb


async def shelf_of_discs(house: House) -> None:
    await upsert(
        house,
        item("red", drawn("disc", "red", 1), family_id="f1", category="Women/Hats"),
        item("red copy", drawn("disc", "red", 1), category="Women/Hats"),
        item("red variant", drawn("disc", "red", 2), family_id="f1", category="Women/Hats"),
        item("other red", drawn("disc", "red", 5), category="Women/Hats"),
        item("sold out", drawn("disc", "red", 6), category="Women/Hats", stock=0),
        item("blue", drawn("disc", "blue", 1), category="Men/Hats"),
        item("wordy"),
    )
    await house.work()


@covers("ItemVisionService.FindSimilarItems")
async def test_look_alikes_come_nearest_first_without_variants_and_copies(house):
    await shelf_of_discs(house)
    answer = await similar(house, item_id="red")
    assert [each.item_id for each in answer.items] == ["other red", "blue"]
    assert 1 >= answer.items[0].similarity > answer.items[1].similarity
    assert list(answer.near_duplicate_item_ids) == ["red copy"]
    assert answer.release_id == house.release_id
    assert [each.item_id for each in (await similar(house, item_id="red", limit=1)).items] == ["other red"]
    assert [each.item_id for each in (await similar(house, item_id="red", category="Men")).items] == ["blue"]
    everything = await similar(house, item_id="red", include_out_of_stock=True)
    assert "sold out" in [each.item_id for each in everything.items]


async def test_an_uploaded_picture_finds_its_look_alikes_each_product_once(house):
    await shelf_of_discs(house)
    answer = await similar(house, picture=drawn("disc", "red", 1))
    found = [each.item_id for each in answer.items]
    assert found[0] in {"red", "red copy"}
    assert found[-1] == "blue"
    assert len({"red", "red copy", "red variant"} & set(found)) <= 2


async def test_near_identical_pictures_share_a_cluster(house):
    await shelf_of_discs(house)
    clusters = {each.item_id: each.near_duplicate_cluster for each in await listed(house)}
    assert clusters["red"] == clusters["red copy"] != 0
    assert clusters["blue"] == clusters["wordy"] == 0


@covers("ItemVisionService.FindSimilarItems", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_searches_are_refused_by_field(house):
    await refused(similar(house), INVALID, "query")
    await refused(similar(house, item_id="a", limit=201), INVALID, "limit")
    await refused(similar(house, picture=pb.Picture(content=b"hello")), INVALID, "picture.content")


@covers("ItemVisionService.FindSimilarItems", "NOT_FOUND ITEM_UNKNOWN")
@covers("ItemVisionService.FindSimilarItems", "FAILED_PRECONDITION FEATURES_NOT_READY")
async def test_the_item_asked_about_must_exist_and_have_been_seen(house):
    await upsert(house, item("a", drawn()))
    await refused(similar(house, item_id="nobody"), (grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN"))
    await refused(similar(house, item_id="a"), (grpc.StatusCode.FAILED_PRECONDITION, "FEATURES_NOT_READY"))
