import gc
import weakref
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.page_composer.arrays import among
from services.page_composer.index_builder import EMPTY_INDEX, IndexBuilder
from services.page_composer.item_facts import ItemFacts
from tests.unit.page_composer.shop import facts, index_of, small_index


def item(number: int, **fields) -> ItemFacts:
    return replace(ItemFacts(f"item-{number}", f"family-{number}", price_minor=1_000, titles={"en": "x"}), **fields)


def test_a_snapshot_never_changes():
    builder = IndexBuilder()
    builder.put([item(1, stock=5), item(2)])
    builder.cursor = "1"
    before = builder.snapshot()
    builder.put([item(1, stock=0, price_minor=7), item(3)])
    builder.delete(["item-2"])
    builder.cursor = "2"
    after = builder.snapshot()
    assert (before.cursor, len(before), before.stock[0], before.price_minor[0]) == ("1", 2, 5, 1_000)
    assert (after.cursor, len(after), after.stock[0], after.price_minor[0]) == ("2", 2, 0, 7)
    assert before.get("item-2") is not None
    assert before.get("item-3") is None
    assert before.rows(["item-1", "item-2", "item-3"]).tolist() == [0, 1, -1]
    assert after.rows(["item-1", "item-2", "item-3"]).tolist() == [0, -1, 2]


def test_an_index_that_nobody_holds_is_gone_without_the_collector():
    builder = IndexBuilder()
    builder.put([item(1), item(2)])
    index = builder.snapshot()
    index.region_mask("DE")
    index.shown(0, "en", lambda facts: facts.item_id)
    assert index.facts[1].item_id == "item-2"
    gone = weakref.ref(index)
    gc.disable()
    try:
        del index
        assert gone() is None
    finally:
        gc.enable()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 9)), max_size=80))
def test_the_index_holds_what_was_last_said(changes):
    builder, expected = IndexBuilder(), {}
    for number, alive, stock in changes:
        if alive:
            builder.put([item(number, stock=stock)])
            expected[f"item-{number}"] = stock
        else:
            builder.delete([f"item-{number}"])
            expected.pop(f"item-{number}", None)
    index = builder.snapshot()
    assert len(index) == len(expected)
    rows = index.rows(f"item-{number}" for number in range(31))
    assert {index.facts[row].item_id: int(index.stock[row]) for row in rows[rows >= 0].tolist()} == expected


def test_the_index_outgrows_its_first_columns():
    builder = IndexBuilder()
    builder.put(item(number, stock=number) for number in range(3_000))
    index = builder.snapshot()
    assert len(index) == 3_000
    assert index.stock[2_999] == 2_999


def test_masks_agree_with_the_facts():
    index, rows = small_index(), np.array([3, 0, 7, 20])
    everything = facts()
    assert index.category_mask(["Women"]).tolist() == [each.category.startswith("Women/") for each in everything]
    assert index.category_mask(["Wom"]).sum() == 0
    assert index.brand_mask(["Aster", "Nobody"]).tolist() == [each.brand == "Aster" for each in everything]
    assert index.brand_mask(["Aster"], rows).tolist() == [everything[row].brand == "Aster" for row in rows.tolist()]
    assert index.seller_mask([""]).all()
    assert index.reduced_mask(rows).tolist() == [everything[row].list_price_minor > 0 for row in rows.tolist()]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 20), max_size=30), st.lists(st.integers(-1, 20), max_size=20))
def test_among_a_few_or_many_says_the_same(values, wanted):
    expected = [each in wanted for each in values]
    assert among(np.asarray(values, np.int64), wanted).tolist() == expected


def test_items_without_near_duplicates_have_a_cluster_of_their_own():
    index = index_of([item(1), item(2), item(3, near_duplicate_cluster=9), item(4, near_duplicate_cluster=9)])
    assert len(set(index.cluster.tolist())) == 3
    assert index.cluster[2] == index.cluster[3]


def test_clusters_of_the_largest_numbers_stay_apart():
    largest = 2**63 - 1
    numbers = [largest, largest - 1, 2**62, largest]
    index = index_of([item(place, near_duplicate_cluster=number) for place, number in enumerate(numbers)])
    assert len(set(index.cluster.tolist())) == 3
    assert index.cluster[0] == index.cluster[3]


def test_an_unknown_margin_is_the_shops_average():
    index = index_of([item(1, margin_ratio=0.2), item(2, margin_ratio=0.4), item(3)])
    assert np.allclose(index.margin_minor(np.arange(3)), [200.0, 400.0, 300.0])
    assert np.isclose(index.mean_margin_minor, 300.0)


def test_an_empty_index_answers_everything():
    assert len(EMPTY_INDEX) == 0
    assert EMPTY_INDEX.rows(["item-1"]).tolist() == [-1]
    assert EMPTY_INDEX.mean_margin_minor == 1.0
    assert EMPTY_INDEX.category_mask(["x"]).tolist() == []
