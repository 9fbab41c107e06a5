"""Catalogues and how each language writes things."""

import re
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from storefront.language import MESSAGES_FOLDER, choose, load_languages
from storefront.rendering import HERE
from vitrine.common.v1 import common_pb2

LANGUAGES = load_languages()


def flat(tree: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: str(value)}
    return found


CATALOGUES = {path.stem: flat(tomllib.loads(path.read_text("utf-8"))) for path in MESSAGES_FOLDER.glob("*.toml")}


def test_there_are_three_languages():
    assert sorted(CATALOGUES) == ["en", "es", "zh"]


@pytest.mark.parametrize("tag", ["es", "zh"])
def test_every_language_says_everything_with_the_same_places(tag):
    assert set(CATALOGUES[tag]) == set(CATALOGUES["en"])
    for key, text in CATALOGUES["en"].items():
        assert set(re.findall(r"{\w+}", CATALOGUES[tag][key])) == set(re.findall(r"{\w+}", text)), key


def test_every_message_that_a_template_asks_for_exists():
    asked = set()
    for path in (HERE / "templates").glob("*.html"):
        asked |= set(re.findall(r"""\bt\("([a-z_.0-9]+)"[,)]""", path.read_text("utf-8")))
    assert len(asked) > 100
    assert asked <= set(CATALOGUES["en"])


@pytest.mark.parametrize(
    ("wanted", "header", "tag"),
    [
        ("zh", "en", "zh"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "fr;q=1.0, zh-CN;q=0.4, en;q=0.2", "zh"),
        ("", "de", "en"),
        ("", "", "en"),
        ("", "en;q=0, es;q=oops, zh;q=0.1", "zh"),
        ("xx", "es", "es"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browsers(wanted, header, tag):
    assert choose(LANGUAGES, wanted, header).tag == tag


def test_money_is_written_with_the_currencys_digits():
    english, spanish, chinese = (LANGUAGES[tag] for tag in ("en", "es", "zh"))
    euros = common_pb2.Money(amount_minor=123_450, currency="EUR")
    assert english.money(euros) == "€1,234.50"
    assert spanish.money(euros).replace("\xa0", " ") == "1.234,50 €"
    assert english.money(common_pb2.Money(amount_minor=500, currency="JPY")) == "¥500"
    assert "5.00" in chinese.money(common_pb2.Money(amount_minor=500, currency="CNY"))


def test_times_are_told_from_now():
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    moment = Timestamp()
    moment.FromDatetime(now - timedelta(minutes=3))
    assert LANGUAGES["en"].ago(moment, now) == "3 minutes ago"
    assert LANGUAGES["es"].ago(moment, now) == "hace 3 minutos"


def test_unknown_words_of_a_contract_are_shown_as_they_are():
    assert LANGUAGES["en"].term("evidence", "moon_phase") == "moon phase"
    assert LANGUAGES["zh"].term("evidence", "search") == "您的搜索"


def test_regions_have_names():
    assert LANGUAGES["en"].region("DE") == "Germany"
    assert LANGUAGES["es"].region("CN-31") == "China (CN-31)"
