"""What ItemVisionService.DescribeImage promises, and seeing with a release that is not loaded."""

import numpy as np
import pytest

from tests.contract.coverage import covers
from tests.contract.item_vision.calls import UNREADY, drawn, similar
from tests.contract.item_vision.houses import House
from tests.contract.refusals import INVALID, RELEASE_NOT_READY, refused
from tests.model.item_vision.drawings import encoded
from vitrine.item_vision.v1 import item_vision_pb2 as pb


def described(house: House, picture: pb.Picture, **fields):
    return house.vision.DescribeImage(pb.DescribeImageRequest(shop_id=house.shop_id, picture=picture, **fields))


@covers("ItemVisionService.DescribeImage")
async def test_a_picture_is_described_or_abstained_from(house):
    answer = await described(house, drawn("disc", "red"))
    assert (answer.release_id, answer.width, answer.height) == (house.release_id, 96, 96)
    (colour,) = answer.attributes
    assert (colour.name, colour.value, colour.abstained) == ("colour", "red", False)
    assert 0.6 <= colour.confidence <= 1
    assert len(answer.embedding.values) == 64
    grey = pb.Picture(content=encoded(np.full((50, 50, 3), 128, np.uint8)))
    (unsure,) = (await described(house, grey)).attributes
    assert (unsure.value, unsure.abstained) == ("", True)


@covers("ItemVisionService.DescribeImage", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("picture", "field", "said"),
    [
        (pb.Picture(), "picture", "required"),
        (pb.Picture(content=b""), "picture.content", "nothing"),
        (pb.Picture(content=b"hello"), "picture.content", "PICTURE_TYPE_UNSUPPORTED"),
        (pb.Picture(content=bytes(10 * 2**20 + 1)), "picture.content", "10 MiB"),
        (pb.Picture(content=drawn().content[:200]), "picture.content", "PICTURE_UNREADABLE"),
        (pb.Picture(url="http://localhost/a.jpg"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(url="http://169.254.169.254/a.jpg"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(url="file:///etc/passwd"), "picture.url", "PICTURE_ADDRESS_REFUSED"),
        (pb.Picture(path="../../etc/passwd"), "picture.path", "PICTURE_ADDRESS_REFUSED"),
    ],
)
async def test_a_picture_that_cannot_be_seen_is_refused_with_what_to_do(house, picture, field, said):
    error = await refused(described(house, picture), INVALID, field)
    assert said in error.violations[0].description


@covers("ItemVisionService.DescribeImage", "FAILED_PRECONDITION RELEASE_NOT_READY")
@covers("ItemVisionService.FindSimilarItems", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_seeing_needs_a_loaded_release(house):
    await refused(described(house, drawn(), release_id=UNREADY), RELEASE_NOT_READY)
    await refused(similar(house, item_id="a", release_id=UNREADY), RELEASE_NOT_READY)
