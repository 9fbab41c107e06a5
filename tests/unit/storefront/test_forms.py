"""Forms: their tokens, where they lead, and what they refuse."""

import pytest

from storefront.signing import Signer
from storefront.tickets import Ticket
from tests.unit.storefront.visiting import SECRET, form_token, seal
from vitrine.common.v1 import common_pb2


async def test_forms_need_the_token_of_their_session(client, services):
    fields = {"do": "cart", "ticket": seal(Ticket("item-1", "token-1"))}
    assert (await client.post("/act", data=fields)).status_code == 403
    assert (await client.post("/act", data={**fields, "csrf": "forged"})).status_code == 403
    other = Signer(SECRET).form_token("another session")
    assert (await client.post("/act", data={**fields, "csrf": other})).status_code == 403
    token = await form_token(client)
    crossed = await client.post("/act", data={**fields, "csrf": token}, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403
    assert services.events == []
    assert (await client.post("/act", data={**fields, "csrf": token})).status_code == 303
    assert services.events[-1].action == common_pb2.ACTION_CART


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/search?q=a#s1", "/search?q=a#s1"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\e", "/"),
        ("", "/"),
    ],
)
async def test_a_form_returns_only_within_the_shop(client, wanted, location):
    fields = {"csrf": await form_token(client), "do": "like", "ticket": seal(Ticket("item-1")), "return": wanted}
    assert (await client.post("/act", data=fields)).headers["location"] == location


async def test_signing_in_brings_the_users_basket_back(client):
    await client.post("/sign-in", data={"csrf": await form_token(client), "user_id": "ana"})
    assert 'aria-label="Basket, 1 items"' in (await client.get("/preferences")).text


async def test_an_action_nobody_knows_and_values_out_of_range_are_refused(client, services):
    token = await form_token(client)
    ticket = seal(Ticket("item-1"))
    assert (await client.post("/act", data={"csrf": token, "do": "steal", "ticket": ticket})).status_code == 400
    assert (await client.post("/rate", data={"csrf": token, "page_id": "p", "rating": "6"})).status_code == 400
    assert (await client.post("/rate", data={"csrf": token, "page_id": "", "rating": "5"})).status_code == 400
    assert (await client.post("/basket", data={"csrf": token, "ticket": ticket, "quantity": "-1"})).status_code == 400
    assert (await client.post("/preferences", data={"csrf": token, "theme": "plaid"})).status_code == 400
    assert (await client.post("/sign-in", data={"csrf": token, "other_user_id": "x" * 129})).status_code == 400
    assert services.events == []


async def test_a_rating_names_the_page_it_is_about(client, services):
    token = await form_token(client)
    assert (await client.post("/rate", data={"csrf": token, "page_id": "w-1", "rating": "5"})).status_code == 303
    event = services.events[-1]
    assert (event.action, event.rating, event.placement.page_id) == (common_pb2.ACTION_RATE, 5, "w-1")
    assert event.item_id == ""


async def test_hiding_that_is_not_recorded_is_not_said_to_be_done(client, services):
    token = await form_token(client)
    services.down.add("user_profile")
    fields = {"csrf": token, "do": "hide", "ticket": seal(Ticket("item-1"))}
    answer = await client.post("/act", data=fields, headers={"accept": "application/json"})
    assert answer.status_code == 503
    assert answer.json()["done"] is False
