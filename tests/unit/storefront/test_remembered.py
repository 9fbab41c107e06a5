"""What the browser remembers stays small enough for a cookie."""

from hypothesis import given
from hypothesis import strategies as st

from storefront import remembered
from storefront.signing import Signer

SIGNER = Signer("a secret of the tests")
IDS = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=128)
COOKIE_LIMIT = 4_096


def test_a_basket_counts_and_lets_go():
    basket = remembered.with_quantity({}, "a", 1)
    basket = remembered.with_quantity(basket, "b", 2)
    basket = remembered.with_quantity(basket, "a", 3)
    assert basket == {"a": 3, "b": 2}
    assert remembered.with_quantity(basket, "a", 0) == {"b": 2}
    assert remembered.with_quantity(basket, "c", 1_000)["c"] == remembered.QUANTITY_LIMIT


def test_what_is_no_basket_is_an_empty_one():
    assert remembered.basket_from(None) == {}
    assert remembered.basket_from([1, 2]) == {}
    assert remembered.basket_from({"a": "many", "b": 2}) == {"b": 2}


def test_the_newest_favourite_comes_first_and_comes_once():
    ids = remembered.with_id(("a", "b"), "c", True)
    assert ids == ("c", "a", "b")
    assert remembered.with_id(ids, "b", True) == ("b", "c", "a")
    assert remembered.with_id(ids, "a", False) == ("c", "b")


@given(st.lists(IDS, max_size=60))
def test_favourites_and_basket_fit_into_a_cookie_and_keep_the_newest(ids):
    favourites: tuple[str, ...] = ()
    basket: remembered.Basket = {}
    for item_id in ids:
        favourites = remembered.with_id(favourites, item_id, True)
        basket = remembered.with_quantity(basket, item_id, 1)
    assert len(SIGNER.seal("favourite", list(favourites))) < COOKIE_LIMIT
    assert len(SIGNER.seal("basket", basket)) < COOKIE_LIMIT
    if ids:
        assert favourites[0] == ids[-1]
        assert ids[-1] in basket


@given(st.lists(st.tuples(IDS, st.text("abcXYZ09-_", min_size=100, max_size=1_200)), max_size=12))
def test_the_trail_fits_into_a_cookie_and_keeps_the_last_click(steps):
    trail: dict[str, str] = {}
    for item_id, token in steps:
        trail = remembered.with_step(trail, item_id, token)
    assert len(SIGNER.seal("trail", trail)) < COOKIE_LIMIT
    if steps:
        assert trail[steps[-1][0]] == steps[-1][1]
