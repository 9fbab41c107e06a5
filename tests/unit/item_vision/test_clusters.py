import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.item_vision.clusters import Sighting, cluster_numbers, joined
from services.item_vision.model.near_duplicates import NearDuplicateRule

RULE = NearDuplicateRule(0.99, 2)


def seen(item_id: str, angle: float, image_hash: int = 0) -> Sighting:
    radians = np.radians(angle)
    return Sighting(item_id, np.array([np.cos(radians), np.sin(radians)], np.float16), image_hash)


def test_pairs_are_joined_when_one_of_them_is_new():
    sightings = [seen("old 1", 0), seen("old 2", 1), seen("new", 2), seen("far", 90), seen("other hash", 2, 0xFF)]
    assert joined(sightings, {"new"}, RULE) == {
        "new": frozenset({"old 1", "old 2"}),
        "old 1": frozenset({"new"}),
        "old 2": frozenset({"new"}),
    }
    assert joined([], set(), RULE) == {}


def test_a_group_takes_the_smallest_number_there_is_and_a_new_one_is_made_of_a_picture():
    neighbours = {"a": frozenset({"b"}), "b": frozenset({"a", "c"}), "c": frozenset({"b"})}
    hashes = {"a": 8, "b": 6, "c": 4}
    assert cluster_numbers(neighbours, {"b": 40, "c": 30}, hashes) == {"a": 30, "b": 30, "c": 30}
    assert cluster_numbers(neighbours, {}, hashes) == {"a": 2, "b": 2, "c": 2}
    assert cluster_numbers({"a": frozenset({"b"}), "b": frozenset({"a"})}, {}, {"a": 0, "b": 1}) == {"a": 1, "b": 1}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_items_share_a_number_exactly_when_neighbours_connect_them(pairs):
    neighbours: dict[str, set[str]] = {}
    for left, right in pairs:
        neighbours.setdefault(f"i{left}", set()).add(f"i{right}")
        neighbours.setdefault(f"i{right}", set()).add(f"i{left}")
    hashes = {item_id: int(item_id[1:]) * 2 + 2 for item_id in neighbours}
    numbers = cluster_numbers({each: frozenset(others) for each, others in neighbours.items()}, {}, hashes)
    assert set(numbers) == set(neighbours)
    assert 0 not in numbers.values()
    for item_id, others in neighbours.items():
        assert {numbers[other] for other in others} == {numbers[item_id]}
    assert len(set(numbers.values())) == len({frozenset(_component(each, neighbours)) for each in neighbours})


def _component(start: str, neighbours: dict[str, set[str]]) -> set[str]:
    found, grown = {start}, True
    while grown:
        wider = found | {other for each in found for other in neighbours[each]}
        grown, found = wider != found, wider
    return found
