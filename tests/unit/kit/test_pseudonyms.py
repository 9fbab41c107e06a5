"""Pseudonyms are stable, unlinkable across shops and kinds, and need the secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.pseudonyms import Pseudonyms

PSEUDONYMS = Pseudonyms("a secret of enough bytes")


@given(st.text(max_size=128), st.text(max_size=128))
def test_equal_ids_give_equal_pseudonyms_and_different_ids_different_ones(left, right):
    assert (PSEUDONYMS.user("boutique", left) == PSEUDONYMS.user("boutique", right)) == (left == right)


def test_shop_kind_and_secret_all_matter():
    other = Pseudonyms(b"another secret of enough bytes")
    made = {
        PSEUDONYMS.user("boutique", "u1"),
        PSEUDONYMS.user("apparel", "u1"),
        PSEUDONYMS.session("boutique", "u1"),
        other.user("boutique", "u1"),
    }
    assert len(made) == 4
    assert {len(each) for each in made} == {16}


def test_a_restart_gives_the_same_pseudonym():
    assert Pseudonyms("a secret of enough bytes").user("boutique", "u1") == PSEUDONYMS.user("boutique", "u1")
    # Fixed for ever: stored rows depend on it.
    assert PSEUDONYMS.user("boutique", "u1").hex() == "1940ed6a74332e89378c1f9178575053"


def test_short_secrets_are_refused():
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Pseudonyms("short")
