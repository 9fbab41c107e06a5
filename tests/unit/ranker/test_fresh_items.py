import numpy as np
import pytest

from services.ranker.fresh_items import ITEMS_A_CALL, FreshItems
from vitrine.common.v1.common_pb2 import ModalityVector
from vitrine.item_vision.v1.item_vision_pb2 import Item

SPACES = {"image": "i1", "text": "t1", "user": "u1"}


def vector(modality: str, space_id: str, value: float) -> ModalityVector:
    return ModalityVector(modality=modality, space_id=space_id, values=[value] * 64)


@pytest.fixture
def fresh() -> FreshItems:
    return FreshItems("boutique", "r1", SPACES)


def test_vectors_of_the_releases_spaces_are_kept(fresh):
    fresh.take_in(Item(item_id="a", image_count=1, vectors=[vector("image", "i1", 1.0), vector("text", "t1", 2.0)]))
    fresh.take_in(Item(item_id="b", image_count=1, vectors=[vector("image", "old", 1.0), vector("sound", "s1", 3.0)]))
    content = fresh.content(["b", "a", "nobody"])
    assert content.shape == (3, 128)
    assert not content[[0, 2]].any()
    assert (content[1, :64] == 1.0).all()
    assert (content[1, 64:] == 2.0).all()
    assert fresh.content([]).shape == (0, 128)


def test_an_item_is_asked_for_until_it_has_all_it_will_ever_have(fresh):
    assert fresh._next_missing(["a", "b"]) == ["a", "b"]
    fresh.take_in(Item(item_id="a", image_count=1, vectors=[vector("text", "t1", 2.0)]))
    assert set(fresh._next_missing(["a", "b"])) == {"a", "b"}
    fresh.take_in(Item(item_id="a", image_count=1, vectors=[vector("image", "i1", 1.0), vector("text", "t1", 2.0)]))
    fresh.take_in(Item(item_id="b", image_count=0, vectors=[vector("text", "t1", 2.0)]))
    assert fresh._next_missing(["a", "b"]) == []


def test_items_whose_features_never_come_do_not_keep_others_waiting(fresh):
    items = [f"item-{number}" for number in range(ITEMS_A_CALL + 200)]
    asked = fresh._next_missing(items) + fresh._next_missing(items)
    assert set(asked) == set(items)


def test_many_items_find_room(fresh):
    for number in range(300):
        fresh.take_in(Item(item_id=f"i{number}", vectors=[vector("text", "t1", float(number))]))
    content = fresh.content([f"i{number}" for number in range(300)])
    np.testing.assert_array_equal(content[:, 64], np.arange(300, dtype=np.float32))
