"""The interface's words, and numbers, prices and times as each language writes them."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel import Locale, dates, numbers
from google.protobuf.timestamp_pb2 import Timestamp

from vitrine.common.v1 import common_pb2

MESSAGES_FOLDER = Path(__file__).parent / "messages"
FALLBACK = "en"


@dataclass(frozen=True)
class Language:
    """One language of the interface."""

    tag: str
    """BCP 47, such as "en"."""
    name: str
    """What it calls itself."""
    messages: dict[str, str]
    locale: Locale

    def text(self, key: str, **values: object) -> str:
        """The message in this language. Raises: KeyError when no catalogue has it."""
        return self.messages[key].format(**values) if values else self.messages[key]

    def term(self, group: str, word: str) -> str:
        """A known word of a contract (an evidence kind, a dependency) in this language, else the word itself."""
        return self.messages.get(f"{group}.{word}", word.replace("_", " "))

    def money(self, amount: common_pb2.Money) -> str:
        """A price; an amount whose currency nobody knows is shown with the code as it came."""
        digits = numbers.get_currency_precision(amount.currency)
        value = amount.amount_minor / 10**digits
        return numbers.format_currency(value, amount.currency or "XXX", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share as a percentage with up to two digits."""
        return numbers.format_percent(share, format="#,##0.##%", locale=self.locale)

    def number(self, value: float) -> str:
        """A number with this language's separators and at most two decimals."""
        return numbers.format_decimal(value, format="#,##0.##", locale=self.locale)

    def day(self, moment: Timestamp) -> str:
        """A date, such as "2 Dec 2026"."""
        return dates.format_date(moment.ToDatetime(UTC), format="medium", locale=self.locale)

    def time(self, moment: Timestamp) -> str:
        """Date and time in UTC."""
        return dates.format_datetime(moment.ToDatetime(UTC), format="medium", locale=self.locale)

    def ago(self, moment: Timestamp, now: datetime) -> str:
        """How long ago, such as "3 minutes ago"."""
        delta = moment.ToDatetime(UTC) - now
        return dates.format_timedelta(delta, add_direction=True, locale=self.locale)

    def region(self, code: str) -> str:
        """Name of an ISO 3166 region; a subdivision is its country's name and the code."""
        country, _, subdivision = code.partition("-")
        name = self.locale.territories.get(country, country)
        return f"{name} ({code})" if subdivision else name


def load_languages(folder: Path = MESSAGES_FOLDER) -> dict[str, Language]:
    """Read every catalogue; a message that one lacks is taken from English."""
    catalogues = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.toml")}
    english = _flat(catalogues[FALLBACK])
    return {
        tag: Language(tag, tree["language"], {**english, **_flat(tree)}, Locale.parse(tag))
        for tag, tree in sorted(catalogues.items())
    }


def choose(languages: dict[str, Language], wanted: str, accept_language: str) -> Language:
    """The language the visitor chose, else the first one their browser accepts, else English."""
    for tag in [wanted, *_accepted(accept_language)]:
        found = languages.get(_primary(tag))
        if found is not None:
            return found
    return languages[FALLBACK]


def _primary(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()


def _accepted(header: str) -> list[str]:
    """Tags of an Accept-Language header, best first; unreadable weights count as refused."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight) if weight else 1.0, tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def _flat(tree: dict[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = str(value)
    return flat
