"""Tracking tokens come back as they were issued, or not at all."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit import tracking
from services.kit.errors import InvalidRequest
from services.kit.tracking import TrackingTokenError
from vitrine.common.v1 import common_pb2

KEY = b"0123456789abcdef"

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x4FFF), max_size=40)
CLAIMS = st.builds(
    common_pb2.TrackingClaims,
    shop_id=st.just("boutique"),
    item_id=NAMES,
    release_id=NAMES,
    placement=st.builds(
        common_pb2.Placement,
        page_id=NAMES,
        section_id=NAMES,
        row=st.integers(0, 200),
        column=st.integers(0, 50),
        device=st.sampled_from([0, 1, 2, 3]),
    ),
    arms=st.lists(NAMES, max_size=4),
)


def claims(**changes):
    return common_pb2.TrackingClaims(**{"shop_id": "boutique", "item_id": "dress-1", **changes})


@given(CLAIMS)
def test_a_token_reads_back_as_its_claims(given_claims):
    token = tracking.issue(given_claims, KEY)
    assert tracking.read(token, KEY, "boutique") == given_claims
    assert token.replace("-", "").replace("_", "").isalnum()


@given(CLAIMS, st.data())
def test_no_changed_character_is_believed(given_claims, data):
    token = tracking.issue(given_claims, KEY)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != token[position]))
    with pytest.raises(TrackingTokenError):
        tracking.read(token[:position] + other + token[position + 1 :], KEY, "boutique")


@given(st.text(max_size=300))
def test_no_text_but_a_token_is_read(text):
    with pytest.raises(TrackingTokenError):
        tracking.read(text, KEY, "boutique")


@given(st.binary(min_size=17, max_size=300))
def test_bytes_without_our_signature_are_forged(raw):
    token = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(TrackingTokenError) as caught:
        tracking.read(token, KEY, "boutique")
    assert caught.value.problem == "forged"


def test_another_key_is_forged_and_another_shop_is_named():
    token = tracking.issue(claims(), KEY)
    with pytest.raises(TrackingTokenError) as forged:
        tracking.read(token, b"another key of our own", "boutique")
    with pytest.raises(TrackingTokenError) as foreign:
        tracking.read(token, KEY, "apparel")
    assert (forged.value.problem, foreign.value.problem) == ("forged", "other_shop")


@pytest.mark.parametrize("token", ["", "====", "not a token!", "QQ", "é" * 40, "A" * 3_000])
def test_what_is_no_token_is_malformed(token):
    with pytest.raises(TrackingTokenError) as caught:
        tracking.read(token, KEY, "boutique")
    assert caught.value.problem == "malformed"


def test_another_spelling_of_the_same_bytes_is_refused():
    token = tracking.issue(claims(item_id="x" * 40), KEY)
    with pytest.raises(TrackingTokenError):
        tracking.read(token + "=" * (-len(token) % 4) if len(token) % 4 else token + "====", KEY, "boutique")


def test_claims_too_long_to_be_read_are_not_issued():
    with pytest.raises(ValueError, match="the limit"):
        tracking.issue(claims(item_id="x" * 2_000), KEY)


def test_the_error_becomes_a_violation_of_the_field_that_held_the_token():
    error = TrackingTokenError("forged", "the signature does not match").as_invalid("events[3].tracking_token")
    assert isinstance(error, InvalidRequest)
    assert [each.field for each in error.violations] == ["events[3].tracking_token"]
