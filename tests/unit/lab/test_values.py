"""Money, times and words as shops write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.importing.cleaning import plain_text, text_of_html
from lab.importing.money import decimals_of, minor_units
from lab.importing.times import moment


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("52", "USD", 5200), ("12.5", "EUR", 1250), ("12,50", "EUR", 1250), ("1,234.50", "USD", 123450),
        ("980", "JPY", 980), ("1.234", "KWD", 1234), (7, "USD", 700), (0.1, "USD", 10), ("1,234", "USD", 123400),
        ("0.005", "USD", 1), ("22.000000", "USD", 2200),
    ],
)  # fmt: skip
def test_major_units_become_minor_by_the_currency(written: object, currency: str, minor: int) -> None:
    assert minor_units(written, currency, "major") == minor


@pytest.mark.parametrize("written", ["", "free", "NaN", "inf", "1e99", "--1"])
def test_what_is_not_an_amount_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"amount|price"):
        minor_units(written, "EUR", "major")


def test_a_fraction_of_a_minor_unit_points_at_the_mapping() -> None:
    with pytest.raises(ValueError, match="price_unit"):
        minor_units("12.50", "EUR", "minor")


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_amounts_survive_being_written(minor: int, currency: str) -> None:
    written = str(Decimal(minor).scaleb(-decimals_of(currency)))
    assert minor_units(written, currency, "major") == minor


@pytest.mark.parametrize(
    "written",
    ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31 12:00:00", "1769860800", 1769860800,
     1769860800000.0, datetime(2026, 1, 31, 12, tzinfo=UTC)],
)  # fmt: skip
def test_times_are_read_in_many_forms(written: object) -> None:
    assert moment(written) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("written", ["yesterday", "", None, [], True, 1e30])
def test_what_is_not_a_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        moment(written)


def test_entities_written_once_or_twice_are_resolved() -> None:
    assert plain_text("Tee&trade; &amp;reg; &amp; Co") == "Tee™ ® & Co"


def test_html_becomes_what_a_reader_sees() -> None:
    markup = "<div><h2>Warm</h2><p>Soft&nbsp;wool.</p>\n<ul><li>One</li><li>Two</li></ul><style>p{}</style></div>"
    assert text_of_html(markup) == "Warm\nSoft wool.\nOne\nTwo"


@given(st.text())
def test_cleaned_words_have_no_control_characters_and_stay_clean(text: str) -> None:
    cleaned = plain_text(text)
    assert all(character.isprintable() or character == "\u00ad" for character in cleaned if character.isascii())
    assert cleaned == " ".join(cleaned.split())


@given(st.text())
def test_any_markup_is_survived(markup: str) -> None:
    assert "<script" not in text_of_html(f"<p>{markup}</p>").lower() or "<script" in markup.lower() or "&" in markup
