"""Signatures, form tokens and cookies' values."""

import pytest

from storefront.signing import BadSignatureError, Signer
from storefront.visitor import Visitor, from_cookie, guessed_device, valid_user_id

SIGNER = Signer("a secret of the tests")


def test_values_come_back():
    value = {"session_id": "s-1", "liked": ["a", "ü", "商品"], "n": 3}
    assert SIGNER.open("cookie", SIGNER.seal("cookie", value)) == value


@pytest.mark.parametrize("text", ["", "a", "!!!!", "AAAA", "ü", "A" * 400])
def test_what_is_no_signed_value_is_refused(text):
    with pytest.raises(BadSignatureError):
        SIGNER.open("cookie", text)


def test_a_form_token_is_of_one_session_and_never_the_same_twice():
    first, second = SIGNER.form_token("s-1"), SIGNER.form_token("s-1")
    assert first != second
    assert SIGNER.check_form_token(first, "s-1")
    assert SIGNER.check_form_token(second, "s-1")
    assert not SIGNER.check_form_token(first, "s-2")
    assert not SIGNER.check_form_token("", "s-1")
    assert not SIGNER.check_form_token("ü", "s-1")
    assert not Signer("another secret of the tests").check_form_token(first, "s-1")


def test_a_cookie_of_another_shape_starts_a_new_session():
    assert from_cookie(None).session_id != from_cookie(None).session_id
    assert from_cookie(["s-1"]).user_id == ""
    kept = from_cookie({"session_id": "s-1", "locale": "zh", "explained": "yes", "unknown": 1})
    assert kept == Visitor(session_id="s-1", locale="zh")


def test_signing_in_takes_an_anonymous_session_along_and_leaves_another_users_behind():
    anonymous = Visitor(session_id="s-1")
    ana = anonymous.signed_in("ana")
    assert (ana.user_id, ana.session_id, ana.subject_id) == ("ana", "s-1", "ana")
    bo = ana.signed_in("bo")
    assert bo.user_id == "bo"
    assert bo.session_id != "s-1"
    out = bo.signed_out()
    assert out.user_id == ""
    assert out.session_id not in ("s-1", bo.session_id)
    assert ana.signed_in("ana") is ana


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130", "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/130 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X910) Chrome/130 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X)", "tablet"),
        ("", "desktop"),
    ],
)
def test_the_device_is_read_off_the_user_agent(agent, device):
    assert guessed_device(agent) == device


def test_user_ids_are_printable_and_of_bounded_length():
    assert valid_user_id("u-1")
    assert valid_user_id("ü 商")
    assert not valid_user_id("")
    assert not valid_user_id("a\nb")
    assert not valid_user_id("a" * 129)
