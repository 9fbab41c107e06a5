import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.price_bands import BANDS, FEWEST_ITEMS, PriceBands, department


def bands() -> PriceBands:
    prices = np.array([*range(100, 200), *range(1_000, 2_000, 10), 5, 6], np.int64)
    categories = ["Women/Dresses"] * 100 + ["Home/Lamps"] * 100 + ["Toys", ""]
    return PriceBands.fit(prices, categories)


def test_a_price_is_measured_within_its_department():
    fitted = bands()
    assert fitted.band(101, "Women/Dresses") == "1"
    assert fitted.band(199, "Women/Shoes") == "5"
    assert fitted.band(199, "Home/Lamps") == "1"
    assert fitted.band(1_990, "Home") == "5"


def test_a_small_or_unknown_department_is_measured_by_the_whole_shop():
    fitted = bands()
    assert set(fitted.edges_minor) == {"", "Women", "Home"}
    assert FEWEST_ITEMS > 1
    assert fitted.band(5, "Toys") == fitted.band(5, "Garden") == "1"


@pytest.mark.parametrize("price", [0, -1])
def test_an_unknown_price_has_no_band(price):
    assert bands().band(price, "Women") == ""


def test_a_shop_without_prices_still_has_bands():
    fitted = PriceBands.fit(np.zeros(3, np.int64), ["Women"] * 3)
    assert fitted.band(0, "Women") == ""
    assert fitted.band(100, "Women") == "5"


def test_json_brings_back_the_same_bands():
    fitted = bands()
    again = PriceBands.from_json(fitted.to_json())
    assert [again.band(price, "Women") for price in range(90, 210)] == [
        fitted.band(price, "Women") for price in range(90, 210)
    ]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_higher_price_is_never_in_a_lower_band(prices, price, more):
    fitted = PriceBands.fit(np.array(prices, np.int64), ["Women"] * len(prices))
    assert BANDS.index(fitted.band(price, "Women")) <= BANDS.index(fitted.band(price + more, "Women"))


def test_each_band_holds_about_a_fifth():
    prices = np.arange(1, 1_001, dtype=np.int64)
    fitted = PriceBands.fit(prices, ["Women"] * 1_000)
    counts = {band: sum(fitted.band(int(price), "Women") == band for price in prices) for band in BANDS}
    assert all(abs(count - 200) <= 1 for count in counts.values())


def test_the_department_is_the_first_level():
    assert [department(path) for path in ("Women/Dresses/Maxi", "Women", "")] == ["Women", "Women", ""]
