"""Events as they are stored: under pseudonyms, with a hash of their content."""

import hashlib
import json
from enum import IntEnum
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


def payload_hash(event: Event) -> bytes:
    """16 bytes that are equal for equal content. Over pseudonyms and defaults filled in, so that the hash tells
    nothing of ids and "not said" equals its default.
    """
    hexed = (event.user.hex() if event.user else None, event.session.hex() if event.session else None)
    content = _canonical([*event[1:3], *hexed, *event[5:]])
    return hashlib.blake2b(content.encode(), digest_size=HASH_BYTES).digest()
