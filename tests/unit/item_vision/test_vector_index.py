import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.item_vision.vector_index import VectorIndex


def unit(rows: int, seed: int, width: int = 4) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(0, 1, (rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), st.integers(0, 99)),
        max_size=12,
    ),
    st.integers(1, 40),
)
def test_after_any_writes_the_nearest_are_those_of_a_full_scan(writes, limit):
    index, expected = VectorIndex(), dict[str, np.ndarray]()
    for added, numbers, seed in writes:
        item_ids = [f"i{number}" for number in numbers]
        if added:
            vectors = unit(len(item_ids), seed)
            index.put(item_ids, vectors)
            expected.update(zip(item_ids, vectors, strict=True))
        else:
            index.remove(item_ids)
            expected = {item_id: vector for item_id, vector in expected.items() if item_id not in item_ids}
    asked = unit(1, 1234)[0]
    found = index.nearest(asked, limit + len(index))[:limit]
    scan = sorted((-float(vector @ asked), item_id) for item_id, vector in expected.items())[:limit]
    assert np.allclose([cosine for _, cosine in found], [-negative for negative, _ in scan], atol=1e-5)
    assert {item_id for item_id, _ in found} <= set(expected)
    for item_id, vector in expected.items():
        np.testing.assert_array_equal(index.vector(item_id), vector)
    assert index.vector("nobody") is None


def test_an_empty_index_finds_nothing():
    assert VectorIndex().nearest(np.ones(4, np.float32), 5) == []


def test_it_grows_beyond_its_first_room():
    index, vectors = VectorIndex(), unit(3_000, 1)
    for start in range(0, 3_000, 700):
        index.put([f"i{row}" for row in range(start, min(start + 700, 3_000))], vectors[start : start + 700])
    assert len(index) == 3_000
    assert index.nearest(vectors[2_900], 1)[0][0] == "i2900"
