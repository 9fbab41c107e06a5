"""What CatalogueService.GetFeatureProgress and ExportFeatures promise."""

import numpy as np

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, item, upsert
from tests.contract.refusals import BAD_SHOP, INVALID, read, refused
from tests.fakes.small_encoders import IMAGE_WIDTH, TEXT_WIDTH
from vitrine.item_vision.v1 import item_vision_pb2 as pb


@covers("CatalogueService.GetFeatureProgress")
async def test_progress_says_what_waits_what_is_done_and_what_failed(house):
    async def progress() -> pb.GetFeatureProgressResponse:
        return await house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=house.shop_id))

    await upsert(house, item("a", drawn()), item("b"))
    assert ((await progress()).waiting_count, (await progress()).done_count) == (2, 0)
    await house.work()
    assert ((await progress()).waiting_count, (await progress()).done_count) == (0, 2)
    house.encoder.broken = True
    await upsert(house, item("c", drawn("bar")), item("d"))
    await house.work()
    failed = await progress()
    assert (failed.waiting_count, failed.done_count, failed.failed_count) == (0, 3, 1)
    (failure,) = failed.failures
    assert (failure.item_id, failure.reason) == ("c", "FEATURES_FAILED")
    assert "out of memory" in failure.description
    house.encoder.broken = False
    await upsert(house, item("c", drawn("frame")))
    await house.work()
    assert (await progress()).failed_count == 0


@covers("CatalogueService.GetFeatureProgress", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("CatalogueService.ExportFeatures", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_features_are_of_a_shop(house):
    await refused(
        house.catalogue.GetFeatureProgress(pb.GetFeatureProgressRequest(shop_id=BAD_SHOP)), INVALID, "shop_id"
    )
    await refused(house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=BAD_SHOP)), INVALID, "shop_id")


@covers("CatalogueService.ExportFeatures")
async def test_raw_features_are_exported_in_columns(house):
    await upsert(house, item("a", drawn()), item("b", titles={"en": "plain words"}))
    await house.work()
    messages = await read(house.catalogue.ExportFeatures(pb.ExportFeaturesRequest(shop_id=house.shop_id)))
    assert {(each.image_width, each.text_width) for each in messages} == {(IMAGE_WIDTH, TEXT_WIDTH)}
    assert {(each.image_backbone, each.text_encoder) for each in messages} == {(f"small/{IMAGE_WIDTH}", "small-words")}
    ids = [item_id for each in messages for item_id in each.item_ids]
    image = np.concatenate([np.frombuffer(each.image_features, "<f2") for each in messages]).reshape(-1, IMAGE_WIDTH)
    text = np.concatenate([np.frombuffer(each.text_features, "<f2") for each in messages]).reshape(-1, TEXT_WIDTH)
    hashes = [number for each in messages for number in each.image_hashes]
    rows = {item_id: row for row, item_id in enumerate(ids)}
    assert sorted(rows) == ["a", "b"]
    assert image[rows["a"]].any() and hashes[rows["a"]]
    assert not image[rows["b"]].any() and not hashes[rows["b"]]
    np.testing.assert_allclose(np.linalg.norm(text.astype(np.float32), axis=1), 1, atol=1e-2)
