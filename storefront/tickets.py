"""Tickets: what a place on a page sends back when something is done there, signed by us.

A ticket names the item, the composer's tracking token where the place has one, and otherwise the place itself (search
results and similar looks are laid out here). Only what a ticket carries is ever redirected to, so /go is no
open redirect.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from storefront.signing import BadSignatureError, Signer
from vitrine.common.v1 import common_pb2

PURPOSE = "ticket"


@dataclass(frozen=True)
class Ticket:
    """One place on one page."""

    item_id: str
    """Item, banner or coupon."""
    token: str = ""
    """The composer's tracking token."""
    destination: str = ""
    """Where a click leads, when it is not the item's page here."""
    page_id: str = ""
    """With section_id, row and column: the place, where there is no token."""
    section_id: str = ""
    row: int = 0
    column: int = 0

    def placement(self) -> common_pb2.Placement | None:
        """The place for events of our own pages; None when a token says it, or nothing does."""
        if self.token or not self.page_id:
            return None
        return common_pb2.Placement(page_id=self.page_id, section_id=self.section_id, row=self.row, column=self.column)


def seal(ticket: Ticket, signer: Signer) -> str:
    """Return the ticket as text for links and forms."""
    place = (
        [ticket.page_id, ticket.section_id, ticket.row, ticket.column] if ticket.page_id and not ticket.token else []
    )
    return signer.seal(PURPOSE, [ticket.item_id, ticket.token, ticket.destination, *place])


def read(text: str, signer: Signer) -> Ticket:
    """Return a ticket that we sealed. Raises: BadSignatureError."""
    parts = signer.open(PURPOSE, text)
    if not isinstance(parts, list) or len(parts) not in (3, 7):
        raise BadSignatureError("not a ticket")
    return Ticket(*parts)


def item_path(item_id: str) -> str:
    """Path of the item's page within a shop."""
    return f"/items/{quote(item_id, safe='')}"


def safe_destination(link: str) -> str:
    """The link if it may be followed: a path of this shop, or an http(s) address; empty otherwise.

    A backslash or control character is refused because browsers read it as the start of another host.
    """
    if not link.isprintable() or "\\" in link or link != link.strip():
        return ""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https") and parts.hostname:
        return link
    return local_path(link)


def local_path(link: str) -> str:
    """The link if it is a path of our own; empty otherwise."""
    if not link.startswith("/") or link.startswith("//") or "\\" in link or not link.isprintable():
        return ""
    parts = urlsplit(link)
    return "" if parts.scheme or parts.netloc else link
