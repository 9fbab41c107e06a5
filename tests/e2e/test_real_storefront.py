"""The browser's tests of the storefront once more: on the real ensemble instead of the shop window."""

from collections.abc import Iterator

import pytest

from tests.e2e.ensemble import SmallEnsemble
from tests.e2e.test_storefront import (
    test_a_click_changes_the_next_page_and_the_page_says_why,
    test_a_page_can_be_rated,
    test_buying_goes_from_the_item_through_the_basket,
    test_consent_can_be_withdrawn_and_the_page_says_so,
    test_every_item_can_say_why_it_is_here,
    test_search_finds_and_the_next_page_knows,
    test_what_is_hidden_stays_away_from_the_next_page,
)

pytestmark = pytest.mark.browser

__all__ = [
    "test_a_click_changes_the_next_page_and_the_page_says_why",
    "test_a_page_can_be_rated",
    "test_buying_goes_from_the_item_through_the_basket",
    "test_consent_can_be_withdrawn_and_the_page_says_so",
    "test_every_item_can_say_why_it_is_here",
    "test_search_finds_and_the_next_page_knows",
    "test_what_is_hidden_stays_away_from_the_next_page",
]


@pytest.fixture(scope="module")
def storefront_url(small_ensemble: SmallEnsemble) -> Iterator[str]:
    yield f"http://{small_ensemble.address('storefront')[0]}"


@pytest.fixture(scope="module")
def made_up() -> bool:
    return False
