"""Events as they are stored: under pseudonyms, with a hash of their content."""

import hashlib
import json
from collections.abc import Iterable
from enum import IntEnum
from json.encoder import encode_basestring
from typing import Final, NamedTuple

HASH_BYTES: Final = 16

# Made once: json.dumps would make an encoder for every event.
_canonical: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SubjectKind(IntEnum):
    """Whom an event is counted for."""

    USER = 1
    SESSION = 2


class Subject(NamedTuple):
    """A user or an anonymous session under its pseudonym."""

    kind: SubjectKind
    pseudonym: bytes


class Placement(NamedTuple):
    """Where on a page it happened."""

    page_id: str
    section_id: str
    row: int
    column: int
    device: int


class Event(NamedTuple):
    """One thing that somebody did. A tuple, because thousands are made in a second."""

    event_id: str
    action: int
    occurred_us: int
    """Microseconds since 1970-01-01 UTC."""
    user: bytes | None
    """Pseudonym of the signed-in user."""
    session: bytes | None
    """Pseudonym of the session. At least one of the two is set."""
    item_id: str = ""
    query: str = ""
    rating: int | None = None
    text: str = ""
    quantity: int | None = None
    """For cart and purchase, 1 or more."""
    price_minor: int | None = None
    currency: str = ""
    channel: str = "web"
    region: str = ""
    locale: str = ""
    device: int = 0
    placement: Placement | None = None

    @property
    def subject(self) -> Subject:
        """Whom it is counted for: the user, or the session where there is none."""
        if self.user is not None:
            return Subject(SubjectKind.USER, self.user)
        if self.session is None:
            raise ValueError(f"event {self.event_id!r} has neither user nor session")
        return Subject(SubjectKind.SESSION, self.session)


def payload_hashes(events: Iterable[Event]) -> list[bytes]:
    """16 bytes an event that are equal for equal content. Over pseudonyms and defaults filled in, so that the hash
    tells nothing of ids and "not said" equals its default.

    The text that is hashed is the JSON of [action, occurred_us, user, session, item_id, ...] in the order of Event.
    """
    names: dict[bytes | None, str] = {None: "null"}
    # Events of a batch say much the same behind their item: that part is written once.
    tails: dict[tuple[object, ...], str] = {}
    hashes: list[bytes] = []
    for event in events:
        _, action, occurred_us, user, session, item_id, *_ = event
        rest = event[6:]
        tail = tails.get(rest) or tails.setdefault(rest, _canonical(rest)[1:])
        by = names.get(user) or names.setdefault(user, _hexed(user))
        during = names.get(session) or names.setdefault(session, _hexed(session))
        content = f"[{action},{occurred_us},{by},{during},{encode_basestring(item_id)},{tail}"
        hashes.append(hashlib.blake2b(content.encode(), digest_size=HASH_BYTES).digest())
    return hashes


def payload_hash(event: Event) -> bytes:
    """The hash of one event."""
    return payload_hashes((event,))[0]


def _hexed(pseudonym: bytes | None) -> str:
    return f'"{pseudonym.hex()}"' if pseudonym else "null"
