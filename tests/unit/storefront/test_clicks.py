"""Clicks, and what the visitor did that the pages after them know."""

import pytest

from storefront.tickets import Ticket
from tests.unit.storefront.visiting import form_token, seal
from vitrine.common.v1 import common_pb2


async def test_a_click_is_recorded_with_its_token_and_leads_to_the_item(client, services):
    await client.get("/")
    answer = await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))})
    assert (answer.status_code, answer.headers["location"]) == (303, "/items/item-1")
    event = services.events[-1]
    assert event.action == common_pb2.ACTION_CLICK
    assert (event.item_id, event.tracking_token) == ("item-1", "token-1")
    assert event.session_id
    assert event.event_id
    assert event.occurred_at.seconds > 0


async def test_what_follows_a_click_is_credited_to_its_place(client, services):
    await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))})
    await client.get("/items/item-1")
    assert services.events[-1].action == common_pb2.ACTION_VIEW
    assert services.events[-1].tracking_token == "token-1"


async def test_a_click_that_cannot_be_recorded_still_leads_on(client, services):
    services.down.add("user_profile")
    answer = await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))})
    assert (answer.status_code, answer.headers["location"]) == (303, "/items/item-1")


async def test_a_prefetched_click_is_no_click(client, services):
    await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))}, headers={"sec-purpose": "prefetch"})
    assert services.events == []


@pytest.mark.parametrize("to", ["", "https://elsewhere.example/", "AAAA", "//elsewhere.example"])
async def test_a_link_that_we_did_not_sign_leads_nowhere(client, services, to):
    answer = await client.get("/go", params={"to": to})
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert services.events == []


async def test_a_signed_ticket_leads_outside_only_over_the_web(client):
    outside = await client.get("/go", params={"to": seal(Ticket("b", "t", "https://campaign.example/x"))})
    assert outside.headers["location"] == "https://campaign.example/x"
    script = await client.get("/go", params={"to": seal(Ticket("b", "t", "javascript:alert(1)"))})
    assert script.headers["location"] == "/"


async def test_the_next_page_knows_what_was_done(client, services):
    await client.get("/")
    assert services.pages[-1].min_profile_version == 0
    await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))})
    await client.get("/")
    assert services.pages[-1].min_profile_version == 1


async def test_the_version_of_one_user_is_not_asked_of_another(client, services):
    await client.get("/go", params={"to": seal(Ticket("item-1", "token-1"))})
    await client.post("/sign-in", data={"csrf": await form_token(client), "user_id": "ana"})
    await client.get("/")
    assert services.pages[-1].visit.user_id == "ana"
    assert services.pages[-1].min_profile_version == 0


async def test_impressions_leave_the_cookies_alone(client, services):
    token = await form_token(client)
    body = {
        "csrf": token,
        "seen": [seal(Ticket("item-1", "token-1"))] * 2 + [seal(Ticket("b", page_id="p", section_id="search"))],
    }
    answer = await client.post("/seen", json=body)
    assert answer.status_code == 204
    assert "set-cookie" not in answer.headers
    assert [event.action for event in services.events] == [common_pb2.ACTION_IMPRESSION] * 2
    assert services.events[1].placement.section_id == "search"
    assert (await client.post("/seen", json={**body, "csrf": "x"})).status_code == 403
    assert (await client.post("/seen", content=b"[]")).status_code == 400
    assert (await client.post("/seen", json={**body, "seen": ["forged"]})).status_code == 400
