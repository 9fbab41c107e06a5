"""A large catalogue is looked at in parts; what a filter lets through is the same as when all of it is gone through."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ranker import catalogue as catalogue_module
from services.ranker import items as items_module
from services.ranker import pool_filter
from services.ranker.catalogue import Catalogue
from services.ranker.catalogue_watch import catalogue_item, renew_postings
from services.ranker.items import Items, remembered
from services.ranker.pool_filter import Masks, PoolFilter, Through, allowed
from services.ranker.postings import Groups
from services.ranker.row_map import RowMap
from services.ranker.vocabulary import Vocabulary
from tests.small_shop import BRANDS, CATEGORIES, NOW, small_items

NOW_S = NOW.timestamp()
ITEMS = small_items(60)
FILTERS = st.builds(
    PoolFilter,
    categories=st.lists(st.sampled_from([*CATEGORIES, "Women", "Nowhere"]), max_size=3).map(tuple),
    brands=st.lists(st.sampled_from(BRANDS), max_size=2).map(tuple),
    maximum_age_days=st.none() | st.integers(0, 250),
    reduced_only=st.booleans(),
    excluded_item_ids=st.lists(st.sampled_from([item.item_id for item in ITEMS]), max_size=3).map(tuple),
    query=st.sampled_from(["", "", "red dress", "lamp", "nothing"]),
)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Items:
    """A catalogue that counts as large, some of which has changed since its postings were made."""
    for module in (catalogue_module, pool_filter):
        monkeypatch.setattr(module, "LARGE", 20)
    monkeypatch.setattr(pool_filter, "FEW", 25)
    catalogue = Catalogue()
    catalogue.put([catalogue_item(item.facts()) for item in ITEMS[:50]])
    renew_postings(catalogue)
    assert catalogue.postings is not None
    moved = [replace(item, category="Home/Lamps", brand="Elm") for item in ITEMS[:3]]
    catalogue.put([catalogue_item(item.facts()) for item in [*moved, *ITEMS[50:]]])
    catalogue.delete(["item-007", "item-055"])
    vocabulary = Vocabulary(*[[item.item_id for item in reversed(ITEMS[:45])]] * 6)
    rows = RowMap(vocabulary)
    rows.update(catalogue)
    return Items(catalogue, rows)


@given(wanted=FILTERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_every_way_of_looking_lets_the_same_through(large: Items, wanted: PoolFilter) -> None:
    mask = allowed(large.catalogue, wanted, NOW_S)
    everything = np.arange(-1, len(large.catalogue))
    through = Masks(large, NOW_S).positions(wanted)
    np.testing.assert_array_equal(through.check(everything)[1:], mask)
    assert not through.check(everything)[0]
    np.testing.assert_array_equal(through.mask, mask)
    if through.few is not None:
        np.testing.assert_array_equal(through.few, np.flatnonzero(mask))
    over_rows = Masks(large, NOW_S).rows(wanted)
    expected = large.rows.rows_allowed(mask)
    np.testing.assert_array_equal(over_rows.check(np.arange(45, dtype=np.int32)), expected)
    few = over_rows.few()
    assert few is None or few.tolist() == np.flatnonzero(expected).tolist()


@given(wanted=FILTERS, enough=st.integers(1, 70))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
def test_the_newest_that_pass_are_among_the_first(large: Items, wanted: PoolFilter, enough: int) -> None:
    mask = allowed(large.catalogue, wanted, NOW_S)
    postings = large.catalogue.postings
    found = Through(large, wanted, NOW_S).first(postings.newest if postings else None, enough)
    assert mask[found].all()
    passing = np.flatnonzero(mask)
    newest = passing[np.argsort(-large.catalogue.created_s[passing], kind="stable")][:enough]
    assert set(newest.tolist()) <= set(found.tolist())


def test_narrow_filters_are_listed_and_broad_ones_are_not(large: Items) -> None:
    assert Through(large, PoolFilter(), NOW_S).few is None
    assert Through(large, PoolFilter(categories=("Home/Lamps",)), NOW_S).few is not None
    assert Through(large, PoolFilter(query="lamp"), NOW_S).few is not None


def test_postings_are_made_anew_when_much_has_changed(large: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module, "_MOST_CHANGED", 5)
    assert large.catalogue.postings_due
    renew_postings(large.catalogue)
    assert not large.catalogue.changed


def test_a_change_of_price_or_stock_leaves_the_postings_alone(large: Items) -> None:
    before = list(large.catalogue.changed)
    facts = ITEMS[10].facts()
    facts.price.amount_minor += 100
    facts.stock = 0
    large.catalogue.put([catalogue_item(facts)])
    assert large.catalogue.changed == before


@given(st.lists(st.integers(0, 6), max_size=40), st.lists(st.integers(0, 9), max_size=4, unique=True))
def test_groups_hold_the_positions_of_each_code(codes: list[int], wanted: list[int]) -> None:
    groups = Groups.of(np.array(codes, np.int32))
    expected = [place for place, code in enumerate(codes) if code in wanted]
    found = groups.positions(np.array(wanted, np.int64))
    assert sorted(found.tolist()) == expected
    assert groups.count(np.array(wanted, np.int64)) == len(expected)


def test_a_large_vocabulary_stands_in_for_the_catalogue_as_a_small_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary(
        item_ids=[item.item_id for item in ITEMS],
        family_ids=[item.family_id for item in ITEMS],
        brands=[item.brand for item in ITEMS],
        categories=[item.category for item in ITEMS],
        colours=[item.colour for item in ITEMS],
        price_bands=["1"] * len(ITEMS),
    )
    created_s = [item.created_at.timestamp() for item in ITEMS]
    small = remembered(vocabulary, created_s)
    monkeypatch.setattr(items_module, "LARGE", 20)
    large = remembered(vocabulary, created_s)
    for wanted in (PoolFilter(), PoolFilter(brands=("Aster",)), PoolFilter(categories=("Women",), maximum_age_days=30)):
        np.testing.assert_array_equal(
            allowed(small.catalogue, wanted, NOW_S), Through(large, wanted, NOW_S).mask, str(wanted)
        )
    ids = ["item-003", "nothing", "item-050"]
    assert large.positions(ids).tolist() == small.positions(ids).tolist() == [3, 50]
    assert large.catalogue.stock.tolist() == small.catalogue.stock.tolist()
    assert not large.live
