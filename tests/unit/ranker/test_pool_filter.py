from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.catalogue import Catalogue, within
from services.ranker.catalogue_watch import catalogue_item
from services.ranker.items import Items
from services.ranker.pool_filter import ENOUGH_MATCHES, Masks, PoolFilter, allowed
from services.ranker.row_map import RowMap
from services.ranker.vocabulary import Vocabulary
from tests.small_shop import BRANDS, CATEGORIES, NOW, small_items

ITEMS = small_items(80)
NOW_S = NOW.timestamp()


def filled() -> Catalogue:
    catalogue = Catalogue()
    catalogue.put([catalogue_item(item.facts()) for item in ITEMS])
    return catalogue


CATALOGUE = filled()


def passing(wanted: PoolFilter) -> list[int]:
    return np.flatnonzero(allowed(CATALOGUE, wanted, NOW_S)).tolist()


@pytest.mark.parametrize(
    ("wanted", "predicate"),
    [
        (PoolFilter(), lambda item: True),
        (PoolFilter(categories=["Women"]), lambda item: item.category.startswith("Women/")),
        (PoolFilter(categories=["Women/Shoes", "Home"]), lambda item: item.category in ("Women/Shoes", "Home/Lamps")),
        (PoolFilter(categories=["Wom"]), lambda item: False),
        (PoolFilter(brands=["Aster", "Nobody"]), lambda item: item.brand == "Aster"),
        (PoolFilter(reduced_only=True), lambda item: item.list_price_minor > item.price_minor),
        (PoolFilter(maximum_age_days=5), lambda item: (NOW - item.created_at).total_seconds() <= 5 * 86_400),
        (PoolFilter(minimum_price_minor=5_000), lambda item: item.price_minor >= 5_000),
        (PoolFilter(maximum_price_minor=5_000), lambda item: item.price_minor <= 5_000),
        (PoolFilter(excluded_item_ids=["item-003", "nobody"]), lambda item: item.item_id != "item-003"),
        (PoolFilter(query="dress"), lambda item: item.category == "Women/Dresses"),
        (PoolFilter(query="台灯"), lambda item: item.category == "Home/Lamps"),
    ],
)
def test_a_filter_lets_through_exactly_what_it_says(wanted, predicate):
    assert passing(wanted) == [item.number for item in ITEMS if predicate(item)]
    assert len(passing(PoolFilter())) == len(ITEMS)


@given(
    categories=st.lists(st.sampled_from([*CATEGORIES, "Women", "Nowhere"]), max_size=3),
    brands=st.lists(st.sampled_from(BRANDS), max_size=3),
    maximum_age_days=st.none() | st.integers(0, 300),
    reduced_only=st.booleans(),
    minimum_price_minor=st.none() | st.integers(0, 20_000),
)
def test_asking_for_more_never_lets_more_through(**wanted):
    everything = PoolFilter(**{name: wanted[name] for name in ("categories", "brands")})
    assert set(passing(PoolFilter(**wanted))) <= set(passing(everything)) <= set(range(len(ITEMS)))


def test_a_search_keeps_partial_matches_only_where_whole_ones_are_few():
    shares = CATALOGUE.words.match("aster dress")
    assert (shares >= 1.0).sum() < ENOUGH_MATCHES
    assert passing(PoolFilter(query="aster dress")) == np.flatnonzero(shares >= 0.5).tolist()
    crowded = filled()
    made = [replace(item, brand="Aster", category="Women/Dresses") for item in ITEMS[:ENOUGH_MATCHES]]
    crowded.put([catalogue_item(item.facts()) for item in made])
    whole = crowded.words.match("aster dress") >= 1.0
    assert whole.sum() >= ENOUGH_MATCHES
    assert allowed(crowded, PoolFilter(query="aster dress"), NOW_S).tolist() == whole.tolist()


def test_items_that_left_the_shop_never_pass():
    catalogue = filled()
    catalogue.delete(["item-007"])
    assert not allowed(catalogue, PoolFilter(), NOW_S)[7]


def test_what_is_kept_of_a_filter_follows_the_catalogue():
    catalogue, wanted = filled(), PoolFilter(categories=("Women",), brands=("Aster",))
    before = allowed(catalogue, wanted, NOW_S)
    assert before.any()
    place = int(np.flatnonzero(before)[0])
    catalogue.delete([ITEMS[place].item_id])
    assert not allowed(catalogue, wanted, NOW_S)[place]
    catalogue.put([catalogue_item(ITEMS[place].facts())])
    assert allowed(catalogue, wanted, NOW_S).tolist() == before.tolist()
    catalogue.put([catalogue_item(replace(ITEMS[place], brand="Birch").facts())])
    assert not allowed(catalogue, wanted, NOW_S)[place]
    catalogue.delete_all_but([])
    assert not allowed(catalogue, wanted, NOW_S).any()


def test_within_means_the_category_or_below_it():
    assert within("Women/Dresses", ["Women"])
    assert within("Women", ["Women"])
    assert not within("Womenswear", ["Women"])
    assert not within("Women", ["Women/Dresses"])


def test_equal_filters_are_computed_once_and_agree_over_rows_and_positions():
    vocabulary = Vocabulary(*[[item.item_id for item in reversed(ITEMS)]] * 6)
    rows = RowMap(vocabulary)
    rows.update(CATALOGUE)
    masks = Masks(Items(CATALOGUE, rows), NOW_S)
    wanted = PoolFilter(brands=("Aster",))
    assert masks.positions(wanted) is masks.positions(PoolFilter(brands=("Aster",)))
    assert masks.rows(wanted).mask().tolist() == masks.positions(wanted).mask[::-1].tolist()
