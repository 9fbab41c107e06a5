"""The application answered by hand-written services: headers, forms, clicks, events, cookies, escaping, pictures."""

from types import SimpleNamespace

import grpc
import httpx
import pytest
from grpc.aio import AioRpcError, Metadata

from storefront import tickets
from storefront.application import create_application
from storefront.departments import Departments
from storefront.language import load_languages
from storefront.rendering import Renderer
from storefront.settings import StorefrontSettings
from storefront.signing import Signer
from storefront.tickets import Ticket
from storefront.views.pictures import Pictures
from storefront.visit import Premises
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.user_profile.v1 import user_profile_pb2

SECRET = "a secret of the tests"
HOSTILE = "<script>alert('title')</script>"
LANGUAGES = load_languages()
RENDERER = Renderer()


def failed(code: grpc.StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), "as told")


class Services:
    """Every service, as far as these tests ask it."""

    def __init__(self):
        self.events: list[user_profile_pb2.Event] = []
        self.pages: list[page_composer_pb2.ComposePageRequest] = []
        self.down: set[str] = set()
        self.image_calls = 0

    def check(self, name):
        if name in self.down:
            raise failed(grpc.StatusCode.UNAVAILABLE)

    async def RecordEvents(self, request, timeout=None):
        self.check("user_profile")
        self.events += request.events
        subject = request.events[-1].user_id or request.events[-1].session_id
        version = user_profile_pb2.SubjectVersion(subject_id=subject, profile_version=len(self.events))
        return user_profile_pb2.RecordEventsResponse(versions=[version])

    async def GetProfile(self, request, timeout=None):
        self.check("user_profile")
        return user_profile_pb2.GetProfileResponse(profile=user_profile_pb2.Profile(cart_item_ids=["item-9"]))

    async def ComposePage(self, request, timeout=None):
        self.check("page_composer")
        self.pages.append(request)
        slot = page_composer_pb2.Slot(
            item_id="item-1", title=HOSTILE, reason=HOSTILE, brand=HOSTILE, tracking_token="token-1"
        )
        slot.price.CopyFrom(common_pb2.Money(amount_minor=500, currency="EUR"))
        section = page_composer_pb2.Section(section_id="s:0", title=HOSTILE, reason=HOSTILE, slots=[slot])
        page = page_composer_pb2.Page(page_id=request.request_id, sections=[section])
        return page_composer_pb2.ComposePageResponse(page=page)

    async def GetItems(self, request, timeout=None):
        price = common_pb2.Money(amount_minor=500, currency="EUR")
        items = [
            item_vision_pb2.Item(item_id=item_id, title=HOSTILE, price=price, in_stock=True)
            for item_id in request.item_ids
            if item_id.startswith("item-")
        ]
        return item_vision_pb2.GetItemsResponse(items=items)

    async def ListItems(self, request, timeout=None):
        facts = item_vision_pb2.ItemFacts(item_id="item-1", category="Home/Mugs")
        return item_vision_pb2.ListItemsResponse(items=[facts])

    async def FindSimilarItems(self, request, timeout=None):
        raise failed(grpc.StatusCode.FAILED_PRECONDITION)

    async def GetImage(self, request, timeout=None):
        self.image_calls += 1
        if request.item_id == "svg":
            return item_vision_pb2.GetImageResponse(content=b"<svg/>", media_type="image/svg+xml", etag="e")
        if request.item_id != "item-1":
            raise failed(grpc.StatusCode.NOT_FOUND)
        return item_vision_pb2.GetImageResponse(content=b"jpeg", media_type="image/jpeg", etag="e1")


@pytest.fixture
def services():
    return Services()


@pytest.fixture
def client(services):
    settings = StorefrontSettings(cookie_secret=SECRET, shops=("boutique", "apparel"), demo_users=("ana",))
    upstreams = SimpleNamespace(
        profiles=services,
        catalogue=services,
        vision=services,
        ranker=services,
        composer=services,
        merchandising=services,
    )
    application = create_application(settings)
    application.state.premises = Premises(
        settings=settings,
        upstreams=upstreams,
        signer=Signer(SECRET),
        languages=LANGUAGES,
        renderer=RENDERER,
        departments=Departments(upstreams),
        users=settings.offered_users(),
    )
    application.state.pictures = Pictures(upstreams, settings.shops)
    # The lifespan is not run: it would open channels of its own.
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test")


async def form_token(client: httpx.AsyncClient) -> str:
    """A form token of the client's session."""
    page = (await client.get("/preferences")).text
    return page.split('name="csrf" value="')[1].split('"')[0]


def seal(ticket: Ticket) -> str:
    return tickets.seal(ticket, Signer(SECRET))


async def test_nothing_that_a_service_says_becomes_markup(client):
    page = await client.get("/")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    item = await client.get("/items/item-1")
    assert "<script>alert" not in item.text
    search = await client.get("/items/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert search.status_code == 404
    assert "<script>alert" not in search.text


async def test_answers_carry_secure_headers(client):
    headers = (await client.get("/")).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_pages_hold_no_inline_script_or_style(client):
    for path in ("/", "/items/item-1", "/basket", "/preferences"):
        text = (await client.get(path)).text
        assert " style=" not in text
        assert " onclick=" not in text
        assert text.count("<script") == 1


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


async def test_signing_in_brings_the_users_basket_back(client):
    await client.post("/sign-in", data={"csrf": await form_token(client), "user_id": "ana"})
    assert 'aria-label="Basket, 1 items"' in (await client.get("/preferences")).text


async def test_a_forged_cookie_is_a_new_visitor(client, services):
    client.cookies.set("vitrine_boutique_visitor", "AAAAAAAAAAAAAAAAAAAAAAAAeyJzZXNzaW9uX2lkIjoicy0xIn0")
    await client.get("/")
    assert services.pages[-1].visit.session_id.startswith("s-")
    assert services.pages[-1].visit.session_id != "s-1"


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


async def test_trouble_has_designed_pages(client, services):
    services.down.add("page_composer")
    away = await client.get("/")
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
    assert "The window is being dressed" in away.text
    missing = await client.get("/nowhere", headers={"accept-language": "es"})
    assert missing.status_code == 404
    assert "Aquí no hay nada" in missing.text
    assert (await client.get("/buy")).status_code == 405
    beside = await client.get("/items/item-1")
    assert beside.status_code == 200


async def test_each_shop_is_shown_below_its_own_path(client, services):
    page = await client.get("/shops/apparel/")
    assert services.pages[-1].shop_id == "apparel"
    assert 'href="/shops/apparel/basket"' in page.text
    assert "/shops/apparel/go?to=" in page.text
    assert (await client.get("/shops/unknown/")).status_code == 404
    assert (await client.get("/shops/unknown/nowhere")).status_code == 404
    assert "Nothing here" in (await client.get("/shops/apparel/nowhere")).text


async def test_pictures_are_cached_and_known_ones_not_sent_again(client, services):
    address = "/images/boutique/item-1/0?w=300&v=e1"
    first = await client.get(address)
    assert (first.content, first.headers["content-type"]) == (b"jpeg", "image/jpeg")
    assert "immutable" in first.headers["cache-control"]
    again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert services.image_calls == 1


@pytest.mark.parametrize("item_id", ["none", "svg", "a%2Fb"])
async def test_what_has_no_picture_to_show_gets_a_drawn_one(client, item_id):
    answer = await client.get(f"/images/boutique/{item_id}/0?w=320")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (await client.get("/images/unknown/item-1/0")).status_code == 404


async def test_health_does_not_depend_on_services(client, services):
    services.down |= {"page_composer", "user_profile"}
    assert (await client.get("/healthz")).status_code == 200
