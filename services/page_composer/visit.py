"""Who is visiting: the visit, and the profile as far as the visitor's events and consent tell."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

DAY_S = 86_400.0

INTEREST = frozenset({"view", "click", "favourite", "like", "share", "cart", "purchase", "rate", "review"})
"""Actions by which a visitor turns to an item."""


class Device(IntEnum):
    """The device a page is laid out for; numbers as in the contract."""

    DESKTOP = 1
    TABLET = 2
    PHONE = 3


@dataclass(frozen=True, slots=True)
class Did:
    """One thing the visitor did."""

    action: str
    """The contract's name in lower case, such as "view"."""
    item_id: str
    at_s: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of the visitor."""

    query: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Liking:
    """How much the visitor turns to one value of a facet."""

    value: str
    weight: float
    """Share of the visitor's actions, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Consents:
    """What the visitor agreed to. Unknown counts as refused."""

    personalisation: bool = False
    analytics: bool = False
    marketing: bool = False


NO_CONSENT = Consents()


@dataclass(frozen=True)
class Profile:
    """What is known of a visitor; the default knows nothing."""

    anonymous: bool = True
    version: int = 0
    actions: tuple[Did, ...] = ()
    """Newest first; no impressions, no searches."""
    searches: tuple[Searched, ...] = ()
    """Newest first."""
    likings: Mapping[str, tuple[Liking, ...]] = field(default_factory=dict)
    """By facet ("brand", "category", "colour", "price_band"), highest first."""
    seen_item_ids: tuple[str, ...] = ()
    hidden_item_ids: frozenset[str] = frozenset()
    exposures: Mapping[str, int] = field(default_factory=dict)
    """Impressions of the last 7 days by item."""
    cart_item_ids: tuple[str, ...] = ()
    consents: Consents = NO_CONSENT

    def items_of(self, *actions: str) -> dict[str, Did]:
        """The newest of these actions for each item, newest first; hidden items are left out."""
        wanted = frozenset(actions)
        newest: dict[str, Did] = {}
        for did in self.actions:
            if did.action in wanted and did.item_id not in self.hidden_item_ids:
                newest.setdefault(did.item_id, did)
        return newest

    def standing(self, done: str, undone: str) -> dict[str, Did]:
        """Items with `done` that no later `undone` took back, newest first."""
        latest: dict[str, Did] = {}
        for did in self.actions:
            if did.action in (done, undone):
                latest.setdefault(did.item_id, did)
        return {
            item_id: did
            for item_id, did in latest.items()
            if did.action == done and item_id not in self.hidden_item_ids
        }

    def liking(self, facet: str, value: str) -> float:
        """The weight of one value of a facet; 0 when it is not among the known ones."""
        return next((each.weight for each in self.likings.get(facet, ()) if each.value == value), 0.0)


UNKNOWN = Profile()


@dataclass(frozen=True)
class Visit:
    """One visit of one page."""

    shop_id: str
    request_id: str
    at_s: float
    user_id: str = ""
    session_id: str = ""
    channel: str = "web"
    locale: str = "en"
    region: str = ""
    currency: str = ""
    device: Device = Device.DESKTOP
    page: str = "home"
    referrer: str = ""
    profile: Profile = UNKNOWN

    @property
    def subject(self) -> str:
        """The id that experiments and pseudonyms go by; empty for nobody."""
        return self.user_id or self.session_id

    @property
    def page_kind(self) -> str:
        """What kind of page: "home", "category" or "item"."""
        return self.page.partition(":")[0]

    @property
    def focus_category(self) -> str:
        """The category path of a category page; empty elsewhere."""
        return self.page.partition(":")[2] if self.page_kind == "category" else ""

    @property
    def focus_item_id(self) -> str:
        """The item of an item page; empty elsewhere."""
        return self.page.partition(":")[2] if self.page_kind == "item" else ""

    @property
    def country(self) -> str:
        """The country of the region; empty when unknown."""
        return self.region.partition("-")[0]

    def days_since(self, at_s: float) -> float:
        """Age of a moment at the time of the visit, never negative."""
        return max(self.at_s - at_s, 0.0) / DAY_S


def covers(wider: str, narrower: str, separator: str) -> bool:
    """Say whether a path-like value is the other or above it: "CN" covers "CN-31"."""
    return narrower == wider or narrower.startswith(wider + separator)


def first(values: Iterable[str], count: int) -> Iterator[str]:
    """The first `count` different values, in order."""
    seen: set[str] = set()
    for value in values:
        if len(seen) >= count:
            return
        if value and value not in seen:
            seen.add(value)
            yield value
