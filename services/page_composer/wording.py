"""Titles and reasons in the visitor's language: message catalogues in `copy/`, numbers and money by locale."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_percent, get_currency_precision
from babel.support import Translations

LOG = logging.getLogger(__name__)

COPY_FOLDER = Path(__file__).parent / "copy"
LAST_RESORT = "en"

MESSAGES_REMEMBERED = 10_000


class Wording:
    """The message catalogues. A message is looked for in the locale, then in its base language, then in English."""

    def __init__(self, catalogues: Mapping[str, Translations]) -> None:
        self._catalogues = dict(catalogues)
        self._found: dict[tuple[str, str, int], str] = {}

    @classmethod
    def read(cls, folder: Path = COPY_FOLDER) -> "Wording":
        """Read every `<language>.po` of a folder."""
        return cls({path.stem: _catalogue(path) for path in sorted(folder.glob("*.po"))})

    @property
    def languages(self) -> list[str]:
        """The languages there are catalogues for."""
        return sorted(self._catalogues)

    def page_locale(self, locale: str, default: str) -> str:
        """The locale of a page: the one asked for where its language is known, else the default's."""
        for wanted in (locale, default):
            if any(each in self._catalogues for each in chain(wanted)[:-1]):
                return wanted
        return LAST_RESORT

    def say(self, key: str, locale: str, count: int = 1, **words: str) -> str:
        """The message with its placeholders filled; "" when no catalogue has it."""
        text = self._found.get((key, locale, count))
        if text is None:
            text = self._found[key, locale, count] = self._look_up(key, locale, count)
        return text.format(count=count, **words)

    def _look_up(self, key: str, locale: str, count: int) -> str:
        if len(self._found) >= MESSAGES_REMEMBERED:
            self._found.clear()
        for language in chain(locale):
            catalogue = self._catalogues.get(language)
            if catalogue is not None:
                text = str(catalogue.ngettext(key, key, count))
                text = str(catalogue.gettext(key)) if text == key else text
                if text != key:
                    return text
        return ""


@lru_cache(maxsize=256)
def chain(locale: str) -> tuple[str, ...]:
    """The languages to look in: the tag as it is, shorter and shorter, then English."""
    parts = locale.replace("_", "-").split("-")
    return (*("-".join(parts[:length]) for length in range(len(parts), 0, -1)), LAST_RESORT)


def in_language(texts: Mapping[str, str], locale: str) -> str:
    """The text in the locale or the nearest there is; "" when there is none at all."""
    for language in chain(locale):
        if texts.get(language):
            return texts[language]
    return next((texts[language] for language in sorted(texts) if texts[language]), "")


@lru_cache(maxsize=4_096)
def money(amount_minor: int, currency: str, locale: str) -> str:
    """An amount as the locale writes it."""
    digits = get_currency_precision(currency)
    return str(format_currency(amount_minor / 10**digits, currency, locale=babel_locale(locale)))


@lru_cache(maxsize=1_024)
def percent(share: float, locale: str) -> str:
    """A share as a whole percentage, as the locale writes it."""
    return str(format_percent(share, format=None, locale=babel_locale(locale)))


@lru_cache(maxsize=1_024)
def day(at_day: int, locale: str) -> str:
    """A day (days since 1970, UTC) as the locale writes it."""
    return str(format_date(datetime.fromtimestamp(at_day * 86_400, UTC).date(), "medium", locale=babel_locale(locale)))


@lru_cache(maxsize=1_024)
def territory(region: str, locale: str) -> str:
    """The name of a region's country in a language; the code where it has no name."""
    country = region.partition("-")[0]
    return str(babel_locale(locale).territories.get(country, region))


@lru_cache(maxsize=256)
def babel_locale(locale: str) -> Locale:
    """Babel's locale for a BCP 47 tag: itself or the nearest known."""
    for language in chain(locale):
        try:
            return Locale.parse(language, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(LAST_RESORT)


def _catalogue(path: Path) -> Translations:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
