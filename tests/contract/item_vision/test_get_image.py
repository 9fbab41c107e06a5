"""What ItemVisionService.GetImage promises."""

import grpc

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import drawn, got, image, item, upsert
from tests.contract.refusals import INVALID, refused


@covers("ItemVisionService.GetImage")
async def test_pictures_come_as_stored_or_scaled_down(house):
    first, second = drawn("disc", "red", 1), drawn("bar", "blue", 2)
    await upsert(house, item("a", first, second))
    whole = await image(house, "a")
    assert (whole.content, whole.media_type) == (first.content, "image/jpeg")
    assert (await image(house, "a", index=1)).content == second.content
    small = await image(house, "a", width=32)
    assert 0 < len(small.content) < len(whole.content)
    assert len({whole.etag, small.etag, (await image(house, "a", index=1)).etag}) == 3
    assert (await image(house, "a", width=1_600)).content == first.content
    assert whole.etag.startswith((await got(house, "a")).items[0].image_etag)


@covers("ItemVisionService.GetImage", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_malformed_pictures_wishes_are_refused_by_field(house):
    await refused(image(house, "", width=5), INVALID, "item_id", "width")
    await refused(image(house, "a", index=-1), INVALID, "index")


@covers("ItemVisionService.GetImage", "NOT_FOUND IMAGE_UNKNOWN")
async def test_a_picture_that_is_not_there_is_not_found(house):
    await upsert(house, item("a", drawn()), item("b"))
    for item_id, index in (("nobody", 0), ("b", 0), ("a", 1)):
        await refused(image(house, item_id, index=index), (grpc.StatusCode.NOT_FOUND, "IMAGE_UNKNOWN"))
