"""Who is looking at the shop, as their browser remembers it."""

import dataclasses
import secrets
from dataclasses import dataclass
from typing import Any

from vitrine.common.v1 import common_pb2

DEVICES = {
    "desktop": common_pb2.DEVICE_DESKTOP,
    "tablet": common_pb2.DEVICE_TABLET,
    "phone": common_pb2.DEVICE_PHONE,
}
THEMES = ("auto", "light", "dark")
USER_ID_LIMIT = 128


@dataclass(frozen=True)
class Visitor:
    """One browser: its session, who is signed in, and how they want to see the shop."""

    session_id: str
    user_id: str = ""
    locale: str = ""
    region: str = ""
    device: str = ""
    """Device to pretend to be; empty: what the browser says it is."""
    theme: str = "auto"
    explained: bool = False
    """Whether pages are asked to tell scores and what they dropped."""
    opted_out: bool = False
    """Whether the visitor refused personalisation here; kept so that the page can say so without asking."""

    @property
    def subject_id(self) -> str:
        """The id that profiles and versions go by."""
        return self.user_id or self.session_id

    def signed_in(self, user_id: str) -> "Visitor":
        """The visitor as this user. An anonymous session is taken along; another user's is left behind."""
        if user_id == self.user_id:
            return self
        session_id = new_session_id() if self.user_id else self.session_id
        return dataclasses.replace(self, user_id=user_id, session_id=session_id, opted_out=False)

    def signed_out(self) -> "Visitor":
        """The visitor with a new anonymous session."""
        return dataclasses.replace(self, user_id="", session_id=new_session_id(), opted_out=False)


def new_session_id() -> str:
    """A session id nobody can guess."""
    return "s-" + secrets.token_urlsafe(12)


def valid_user_id(text: str) -> bool:
    """Whether the contract takes the text as a user id: 1 to 128 printable characters."""
    return 1 <= len(text) <= USER_ID_LIMIT and text.isprintable()


def from_cookie(value: Any) -> Visitor:
    """The visitor of a cookie's value; whatever is missing or of another kind starts anew."""
    if not isinstance(value, dict) or not isinstance(value.get("session_id"), str):
        return Visitor(session_id=new_session_id())
    kinds = {field.name: field.type for field in dataclasses.fields(Visitor)}
    kept = {name: part for name, part in value.items() if kinds.get(name) is type(part)}
    return Visitor(**kept)


def guessed_device(user_agent: str) -> str:
    """The device that a User-Agent header speaks of; desktop when it says nothing."""
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if "Android" in user_agent and "Mobile" not in user_agent:
        return "tablet"
    return "phone" if "Mobi" in user_agent else "desktop"
