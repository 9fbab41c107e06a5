"""Tickets and where they may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront import tickets
from storefront.signing import BadSignatureError, Signer
from storefront.tickets import Ticket

SIGNER = Signer("a secret of the tests")


@given(item_id=st.text(min_size=1, max_size=128), token=st.text(max_size=300), column=st.integers(0, 500))
def test_a_ticket_comes_back_as_it_was_sealed(item_id, token, column):
    ticket = Ticket(item_id, token) if token else Ticket(item_id, page_id="p", section_id="search", column=column)
    assert tickets.read(tickets.seal(ticket, SIGNER), SIGNER) == ticket


def test_a_changed_ticket_is_refused():
    text = tickets.seal(Ticket("item-1", destination="/deals"), SIGNER)
    for place in (3, len(text) // 2, len(text) - 2):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(BadSignatureError):
            tickets.read(changed, SIGNER)


def test_a_value_signed_for_something_else_is_no_ticket():
    cookie = SIGNER.seal("vitrine_boutique_visitor", ["item-1", "", "https://elsewhere.example/"])
    with pytest.raises(BadSignatureError):
        tickets.read(cookie, SIGNER)


def test_another_secret_opens_nothing():
    text = tickets.seal(Ticket("item-1"), SIGNER)
    with pytest.raises(BadSignatureError):
        tickets.read(text, Signer("another secret of the tests"))


@pytest.mark.parametrize("link", ["/", "/items/a%2Fb", "/categories/Women/Dresses?show=48", "/search?q=a&b=c"])
def test_paths_of_the_shop_are_followed(link):
    assert tickets.safe_destination(link) == link
    assert tickets.local_path(link) == link


@pytest.mark.parametrize("link", ["https://shop.example/x", "http://shop.example:8080/"])
def test_web_addresses_are_followed_only_from_tickets(link):
    assert tickets.safe_destination(link) == link
    assert tickets.local_path(link) == ""


@pytest.mark.parametrize(
    "link",
    [
        "",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://files.example/",
        "https:///no-host",
        "relative/path",
        "/with\nline",
        "/with\ttab",
        " https://padded.example/",
    ],
)
def test_everything_else_is_refused(link):
    assert tickets.safe_destination(link) == ""
    assert tickets.local_path(link) == ""


def test_only_a_place_without_token_says_where_it_is():
    assert Ticket("a", token="t", page_id="p").placement() is None
    assert Ticket("a").placement() is None
    placement = Ticket("a", page_id="p", section_id="search", column=4).placement()
    assert placement is not None
    assert (placement.page_id, placement.section_id, placement.column) == ("p", "search", 4)
