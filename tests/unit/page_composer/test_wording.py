import re

import pytest
from babel.messages.pofile import read_po

from services.page_composer.shelves.registry import GENERATORS
from services.page_composer.wording import COPY_FOLDER, Wording, in_language, money, percent, territory

WORDING = Wording.read()
PLACEHOLDER = re.compile(r"{(\w+)}")


def messages(language: str) -> dict[str, list[str]]:
    with (COPY_FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    texts = {}
    for message in catalogue:
        if message.id:
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            texts[key] = list(message.string) if isinstance(message.string, tuple) else [message.string]
    return texts


def test_every_language_says_everything_with_the_same_placeholders():
    assert WORDING.languages == ["en", "es", "zh"]
    english = messages("en")
    for language in ("es", "zh"):
        other = messages(language)
        assert other.keys() == english.keys()
        for key, texts in other.items():
            assert all(texts)
            wanted = set(PLACEHOLDER.findall(english[key][-1]))
            assert all(set(PLACEHOLDER.findall(text)) == wanted for text in texts), key


@pytest.mark.parametrize("shelf", [*GENERATORS, "coupon"])
def test_every_shelf_has_a_title_and_a_reason(shelf):
    words = {"item": "x", "value": "y", "region": "z"}
    assert WORDING.say(f"{shelf}.title", "en", **words)
    reasons = [f"{shelf}.reason", f"{shelf}.reason.cart", f"{shelf}.reason.viewed_item"]
    assert any(WORDING.say(key, "en", **words) for key in reasons)


def test_a_locale_falls_back_to_its_language_and_then_to_english():
    assert WORDING.say("deals.title", "es-MX") == WORDING.say("deals.title", "es") != WORDING.say("deals.title", "en")
    assert WORDING.say("deals.title", "fr") == WORDING.say("deals.title", "en")
    assert WORDING.say("no.such.message", "en") == ""
    assert [WORDING.page_locale(locale, "es") for locale in ("zh-Hans-CN", "fr", "")] == ["zh-Hans-CN", "es", "es"]
    assert WORDING.page_locale("fr", "de") == "en"


@pytest.mark.parametrize(
    ("locale", "count", "text"),
    [
        ("en", 1, "1 item is waiting in your cart"),
        ("en", 3, "3 items are waiting in your cart"),
        ("es", 1, "Tienes 1 artículo en la cesta"),
        ("zh", 3, "您的购物车里有 3 件商品"),
    ],
)
def test_numbers_take_the_plural_of_the_language(locale, count, text):
    assert WORDING.say("continue_browsing.reason.cart", locale, count) == text


def test_money_and_shares_are_written_as_the_locale_writes_them():
    assert money(129_900, "EUR", "de") == "1.299,00\xa0€"
    assert money(1_200, "JPY", "en") == "¥1,200"
    assert percent(0.2, "es") == "20\xa0%"
    assert territory("CN-31", "es") == "China"
    assert territory("XX", "en") == "XX"


def test_texts_of_the_shop_are_taken_in_the_nearest_language():
    titles = {"en": "Dress", "zh": "连衣裙"}
    assert [in_language(titles, locale) for locale in ("zh-TW", "en-GB", "fr")] == ["连衣裙", "Dress", "Dress"]
    assert in_language({"zh": "连衣裙"}, "fr") == "连衣裙"
    assert in_language({}, "en") == ""
