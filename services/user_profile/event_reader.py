"""Events of a request to the domain's: checked, under pseudonyms, with the tracking token read."""

from typing import Final

from services.kit import tracking
from services.kit.checks import Checks
from services.kit.errors import FieldViolation
from services.kit.pseudonyms import Pseudonyms
from services.user_profile.actions import Action
from services.user_profile.events import Event, Placement
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

MAX_QUERY_CHARS: Final = 500
MAX_TEXT_CHARS: Final = 10_000
MAX_CHANNEL_CHARS: Final = 32
MAX_QUANTITY: Final = 10_000
MAX_SECTION_CHARS: Final = 128
MAX_PLACEMENT: Final = 10_000
EARLIEST_US: Final = 946_684_800_000_000
"""The beginning of the year 2000."""
MAX_AHEAD_US: Final = 10 * 60 * 1_000_000
DEFAULT_CHANNEL: Final = "web"

ACTIONS: Final = frozenset(int(action) for action in Action)
DEVICES: Final = frozenset(common_pb2.Device.values())
SEARCH, RATE = int(Action.SEARCH), int(Action.RATE)
IN_WORDS: Final = frozenset({int(Action.REVIEW), int(Action.COMMENT)})
COUNTED: Final = frozenset({int(Action.CART), int(Action.PURCHASE)})


class EventReader:
    """Reads the events of one call. `now_us` is the clock that `occurred_at` is held against."""

    def __init__(self, shop_id: str, pseudonyms: Pseudonyms, tracking_key: bytes, now_us: int) -> None:
        self._shop_id = shop_id
        self._pseudonyms = pseudonyms
        self._tracking_key = tracking_key
        self.now_us = now_us
        # A batch holds few users and sessions, each many times.
        self._users: dict[str, bytes] = {}
        self._sessions: dict[str, bytes] = {}

    def read(self, message: pb.Event) -> tuple[Event | None, tuple[FieldViolation, ...]]:
        """The event, or what is wrong with which of its fields."""
        checks = Checks()
        placement = self._placement(checks, message)
        self._check(checks, message, placement)
        if checks.violations:
            return None, checks.violations
        return self._event(message, placement), ()

    def user(self, user_id: str) -> bytes:
        """The pseudonym of a user."""
        known = self._users.get(user_id)
        if known is None:
            known = self._users[user_id] = self._pseudonyms.user(self._shop_id, user_id)
        return known

    def session(self, session_id: str) -> bytes:
        """The pseudonym of a session."""
        known = self._sessions.get(session_id)
        if known is None:
            known = self._sessions[session_id] = self._pseudonyms.session(self._shop_id, session_id)
        return known

    def _check(self, checks: Checks, message: pb.Event, placement: Placement | None) -> None:
        checks.identifier("event_id", message.event_id, required=True)
        checks.that(message.action in ACTIONS, "action", "required: one of the declared actions")
        self._check_time(checks, message)
        checks.that(bool(message.user_id or message.session_id), "user_id", "required: set user_id or session_id")
        checks.identifier("user_id", message.user_id)
        checks.identifier("session_id", message.session_id)
        _check_item(checks, message, placement)
        _check_words(checks, message)
        _check_numbers(checks, message)
        if message.channel:
            checks.identifier("channel", message.channel, max_length=MAX_CHANNEL_CHARS)
        checks.region("region", message.region)
        checks.locale("locale", message.locale)
        checks.that(message.device in DEVICES, "device", "send one of the declared devices")

    def _check_time(self, checks: Checks, message: pb.Event) -> None:
        if not checks.that(message.HasField("occurred_at"), "occurred_at", "required: when it happened"):
            return
        nanos_fit = 0 <= message.occurred_at.nanos < 1_000_000_000
        in_time = EARLIEST_US <= _occurred_us(message) <= self.now_us + MAX_AHEAD_US
        description = "send a time from the year 2000 to 10 minutes ahead of our clock, with 0 to 999,999,999 nanos"
        checks.that(nanos_fit and in_time, "occurred_at", description)

    def _placement(self, checks: Checks, message: pb.Event) -> Placement | None:
        if message.tracking_token:
            try:
                claims = tracking.read(message.tracking_token, self._tracking_key, self._shop_id)
            except tracking.TrackingTokenError as error:
                checks.that(False, "tracking_token", error.message)
                return None
            return _placement_of(claims.placement)
        if not message.HasField("placement"):
            return None
        _check_placement(checks, message.placement)
        return _placement_of(message.placement)

    def _event(self, message: pb.Event, placement: Placement | None) -> Event:
        has_price = message.HasField("price")
        return Event(
            event_id=message.event_id,
            action=message.action,
            occurred_us=_occurred_us(message),
            user=self.user(message.user_id) if message.user_id else None,
            session=self.session(message.session_id) if message.session_id else None,
            item_id=message.item_id,
            query=message.query,
            rating=message.rating if message.HasField("rating") else None,
            text=message.text,
            quantity=(message.quantity or 1) if message.action in COUNTED else None,
            price_minor=message.price.amount_minor if has_price else None,
            currency=message.price.currency if has_price else "",
            channel=message.channel or DEFAULT_CHANNEL,
            region=message.region,
            locale=message.locale,
            device=message.device,
            placement=placement,
        )


def _occurred_us(message: pb.Event) -> int:
    return message.occurred_at.seconds * 1_000_000 + message.occurred_at.nanos // 1_000


def _check_item(checks: Checks, message: pb.Event, placement: Placement | None) -> None:
    if message.action == SEARCH:
        checks.that(
            not message.item_id, "item_id", "leave it empty for a search; send the click as an event of its own"
        )
    else:
        of_page = message.action == RATE and placement is not None
        checks.identifier("item_id", message.item_id, required=not of_page)


def _check_words(checks: Checks, message: pb.Event) -> None:
    searching, in_words = message.action == SEARCH, message.action in IN_WORDS
    if message.query or searching:
        checks.text("query", message.query, max_length=MAX_QUERY_CHARS, required=searching)
    if message.text or in_words:
        checks.text("text", message.text, max_length=MAX_TEXT_CHARS, required=in_words)


def _check_numbers(checks: Checks, message: pb.Event) -> None:
    if message.HasField("rating"):
        checks.number("rating", message.rating, 1, 5)
    else:
        checks.that(message.action != RATE, "rating", "required for rate: 1 to 5")
    if message.quantity:
        checks.number("quantity", message.quantity, 1, MAX_QUANTITY)
    if message.HasField("price"):
        checks.that(message.price.amount_minor >= 0, "price.amount_minor", "send 0 or more minor units")
        checks.currency("price.currency", message.price.currency, required=True)


def _check_placement(checks: Checks, placement: common_pb2.Placement) -> None:
    checks.identifier("placement.page_id", placement.page_id, required=True)
    checks.identifier("placement.section_id", placement.section_id, max_length=MAX_SECTION_CHARS)
    checks.number("placement.row", placement.row, 0, MAX_PLACEMENT)
    checks.number("placement.column", placement.column, 0, MAX_PLACEMENT)
    checks.that(placement.device in DEVICES, "placement.device", "send one of the declared devices")


def _placement_of(message: common_pb2.Placement) -> Placement:
    return Placement(message.page_id, message.section_id, message.row, message.column, message.device)
