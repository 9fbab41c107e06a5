"""Field checks: all violations at once, named as in the contract, and valid requests pass."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.kit.checks import Checks
from services.kit.errors import InvalidRequest
from vitrine.common.v1 import common_pb2


def fields(checks: Checks) -> list[str]:
    return [violation.field for violation in checks.violations]


def test_every_violation_is_named_at_once():
    checks = Checks()
    checks.shop_id("Bad Shop")
    checks.identifier("item_id", "", required=True)
    checks.number("limit", -1, 1, 100)
    with pytest.raises(InvalidRequest) as caught:
        checks.raise_if_any()
    assert [each.field for each in caught.value.violations] == ["shop_id", "item_id", "limit"]
    assert caught.value.reason == "INVALID_REQUEST"
    assert "limit: send a number from 1 to 100; got -1" in caught.value.message


def test_nothing_is_raised_when_all_is_in_order():
    checks = Checks()
    assert checks.shop_id("boutique")
    assert checks.that(True, "field", "never said")
    checks.raise_if_any()


@pytest.mark.parametrize("shop_id", ["a", "0shop", "my-shop_2", "x" * 64])
def test_shop_ids_that_the_contract_allows(shop_id):
    assert Checks().shop_id(shop_id)


@pytest.mark.parametrize("shop_id", ["", "-a", "_a", "A", "x" * 65, "a b", "a\n", "é", "../x", "a/b"])
def test_shop_ids_that_the_contract_refuses(shop_id):
    assert not Checks().shop_id(shop_id)


@pytest.mark.parametrize("value", ["x" * 129, "a\x00b", "a\nb", " a", "a ", "\u202eabc"])
def test_identifiers_are_short_printable_and_without_surrounding_blanks(value):
    assert not Checks().identifier("item_id", value)


def test_identifiers_of_any_script_are_fine():
    assert Checks().identifier("item_id", "商品-42 é")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.9, 10.1])
def test_numbers_outside_the_range_or_not_finite(value):
    assert not Checks().number("limit", value, 1, 10)


def test_enums_are_declared_and_said():
    checks = Checks()
    assert checks.known_enum("action", common_pb2.ACTION_VIEW, common_pb2.Action, required=True)
    assert checks.known_enum("device", 0, common_pb2.Device)
    assert not checks.known_enum("action", 0, common_pb2.Action, required=True)
    assert not checks.known_enum("device", 99, common_pb2.Device)
    assert fields(checks) == ["action", "device"]


def test_timestamps_are_set_valid_and_within_bounds():
    now = datetime(2026, 1, 31, tzinfo=UTC)
    inside, early, late = Timestamp(), Timestamp(), Timestamp()
    inside.FromDatetime(now)
    early.FromDatetime(now - timedelta(days=2))
    late.FromDatetime(now + timedelta(days=2))
    day = timedelta(days=1)
    checks = Checks()
    assert checks.timestamp("a", inside, required=True, earliest=now - day, latest=now + day)
    assert checks.timestamp("b", Timestamp())
    assert not checks.timestamp("c", Timestamp(), required=True)
    assert not checks.timestamp("d", early, earliest=now - day)
    assert not checks.timestamp("e", late, latest=now + day)
    assert not checks.timestamp("f", Timestamp(seconds=10**15))
    assert not checks.timestamp("g", Timestamp(seconds=1, nanos=-5))
    assert fields(checks) == ["c", "d", "e", "f", "g"]


def test_text_may_not_hold_nul_or_be_too_long():
    checks = Checks()
    assert checks.text("text", "a fine dress", max_length=20, required=True)
    assert not checks.text("text", "a\x00b", max_length=20)
    assert not checks.text("text", "x" * 21, max_length=20)
    assert not checks.text("text", "   ", max_length=20, required=True)


@pytest.mark.parametrize("locale", ["", "en", "zh", "es-MX", "zh-Hans-CN"])
def test_locales_of_the_right_form(locale):
    assert Checks().locale("locale", locale)


@pytest.mark.parametrize("locale", ["e", "english!", "en_US", "-en", "en-", "x" * 40])
def test_locales_of_the_wrong_form(locale):
    assert not Checks().locale("locale", locale)


@pytest.mark.parametrize(("region", "fits"), [("", True), ("DE", True), ("CN-31", True), ("de", False), ("DEU", False)])
def test_regions(region, fits):
    assert Checks().region("region", region) is fits


@pytest.mark.parametrize(("currency", "fits"), [("EUR", True), ("", True), ("eur", False), ("EURO", False)])
def test_currencies(currency, fits):
    assert Checks().currency("currency", currency) is fits


def test_a_full_visit_is_in_order():
    visit = common_pb2.VisitContext(
        user_id="u1",
        session_id="s1",
        channel="web",
        locale="en",
        region="DE",
        currency="EUR",
        device=common_pb2.DEVICE_PHONE,
        page="category:Women/Dresses",
        referrer="https://example.org/?q=x",
        release_id="r20260131120000",
    )
    checks = Checks()
    assert checks.visit_context("visit", visit, needs_subject=True)
    checks.raise_if_any()


def test_every_field_of_a_visit_is_checked():
    visit = common_pb2.VisitContext(
        user_id="u" * 129,
        session_id="\n",
        channel="c" * 33,
        locale="!",
        region="germany",
        currency="euro",
        device=77,
        page="basket",
        referrer="r" * 2_049,
        release_id="newest",
    )
    checks = Checks()
    assert not checks.visit_context("visit", visit)
    declared = [f"visit.{field.name}" for field in common_pb2.VisitContext.DESCRIPTOR.fields]
    assert sorted(fields(checks)) == sorted(declared)


def test_a_visit_needs_a_subject_only_where_it_is_said():
    anonymous = common_pb2.VisitContext(locale="en")
    assert Checks().visit_context("visit", anonymous)
    checks = Checks()
    assert not checks.visit_context("visit", anonymous, needs_subject=True)
    assert fields(checks) == ["visit.user_id"]
    assert Checks().visit_context("visit", common_pb2.VisitContext(session_id="s"), needs_subject=True)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32)))
def test_finite_accepts_exactly_the_finite(values):
    expected = not any(value != value or abs(value) == float("inf") for value in values)
    assert Checks().finite("values", values) is expected
