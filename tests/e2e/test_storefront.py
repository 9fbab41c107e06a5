"""The storefront in a real browser: on the shop window, or on the ensemble that VITRINE_STOREFRONT_URL names."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = pytest.mark.browser

WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
VIEWS = ("/", "/search", "/search?q=zzzqqq", "/basket", "/favourites", "/preferences", "/privacy", "/not-a-page")
CONSOLE_VIEWS = ("/console", "/console/rule")


def first_item(page: Page) -> str:
    """Open the front page and follow its first item; answer the item's path."""
    page.goto("/")
    page.locator(".card-link").first.click()
    page.wait_for_url("**/items/**")
    return page.url


def shown_items(page: Page) -> list[str]:
    """Pictures of the items on the page, in order: they name the items."""
    return [image.get_attribute("src") or "" for image in page.locator(".card .photo img").all()]


def through(page: Page) -> None:
    """Scroll through the whole page, so that everything lazy is loaded."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 600):
        page.evaluate("top => scrollTo(0, top)", top)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_load_state("networkidle")


def sign_in(page: Page, user_id: str) -> None:
    page.goto("/preferences")
    form = page.locator("main form[action$='/sign-in']")
    form.locator("[name=other_user_id]").fill(user_id)
    form.locator("[name=user_id]").select_option("")
    form.get_by_role("button").click()
    page.wait_for_load_state()


def test_a_click_changes_the_next_page_and_the_page_says_why(page: Page, complaints: list[str]) -> None:
    page.goto("/")
    before = shown_items(page)
    assert len(before) >= 12
    title = page.locator(".card .title").first.inner_text()
    page.locator(".card-link").first.click()
    expect(page.locator("main h1")).to_have_text(title)
    clicked = page.url.rpartition("/")[2]
    page.goto("/")
    assert shown_items(page) != before
    evidence = page.locator(f".sheet:has(dl.why a[href$='/items/{clicked}'])").first
    page.locator(f"[popovertarget='{evidence.get_attribute('id')}']").first.click()
    expect(evidence).to_be_visible()
    expect(evidence.locator("dl.why")).to_contain_text(clicked)
    assert complaints == []


def test_every_item_can_say_why_it_is_here(page: Page) -> None:
    page.goto("/")
    cards = page.locator(".card")
    for index in range(0, cards.count(), 9):
        card = cards.nth(index)
        assert card.locator("dl.why > div").count() > 0
    cards.first.locator(".card-foot button").click()
    expect(page.locator(".card .sheet:popover-open dl.why")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet:popover-open")).to_have_count(0)


def test_a_hidden_item_disappears_and_can_be_brought_back(page: Page) -> None:
    page.goto("/")
    card = page.locator(".card").nth(2)
    ticket_free_title = card.locator(".title").inner_text()
    card.locator(".card-foot button").click()
    card.get_by_role("button", name="Not for me").click()
    expect(card).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
    expect(card.locator(".title")).to_have_text(ticket_free_title)


def test_what_is_hidden_stays_away_from_the_next_page(page: Page) -> None:
    page.goto("/")
    card = page.locator(".card").nth(1)
    picture = card.locator("img").get_attribute("src")
    card.locator(".card-foot button").click()
    card.get_by_role("button", name="Not for me").click()
    expect(card).to_be_hidden()
    page.goto("/")
    assert picture not in [image.get_attribute("src") for image in page.locator(".card img").all()]


def test_buying_goes_from_the_item_through_the_basket(page: Page, complaints: list[str]) -> None:
    first_item(page)
    title = page.locator("main h1").inner_text()
    page.get_by_role("button", name="Add to basket", exact=True).first.click()
    expect(page.locator("[data-basket-count]")).to_have_text("1")
    page.goto("/basket")
    expect(page.locator(".line .title")).to_have_text(title)
    page.get_by_role("button", name="Buy now").click()
    expect(page.locator(".line")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Thank you")
    assert complaints == []


def test_search_finds_and_the_next_page_knows(page: Page) -> None:
    page.goto("/")
    words = page.locator(".card .title").first.inner_text().replace("…", " ").replace(",", " ").split()
    word = max(words, key=len)
    page.get_by_role("searchbox").fill(word)
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text(word)
    assert page.locator(".card").count() > 0


def test_a_page_can_be_rated(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="4 of 5 stars").click()
    expect(page.locator(".toast")).to_contain_text("Thank you")
    expect(page.locator(".stars")).to_have_attribute("data-rated", "4")


def test_favourites_are_kept(page: Page) -> None:
    page.goto("/")
    heart = page.locator(".card .heart").nth(3)
    title = page.locator(".card .title").nth(3).inner_text()
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.goto("/favourites")
    expect(page.locator(".card .title").first).to_have_text(title)


def test_consent_can_be_withdrawn_and_the_page_says_so(page: Page) -> None:
    first_item(page)
    page.goto("/privacy")
    page.get_by_role("switch", name=re.compile("Personal pages")).uncheck()
    page.get_by_role("button", name="Save").first.click()
    page.goto("/")
    expect(page.locator("main")).to_contain_text("Personalisation is off")


def test_a_user_can_take_their_data_and_be_forgotten(page: Page) -> None:
    sign_in(page, "browser-test-user")
    first_item(page)
    page.goto("/privacy")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    records = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert any("event" in record for record in records)
    page.get_by_role("link", name="Delete me").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("checkbox", name="Yes").check()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.locator(".receipt")).to_contain_text("Receipt")
    expect(page.locator(".who")).to_contain_text("Anonymous")


@pytest.mark.parametrize(("tag", "word"), [("zh", "隐私"), ("es", "Privacidad"), ("en", "Privacy")])
def test_the_shop_speaks_three_languages(page: Page, tag: str, word: str) -> None:
    page.goto("/preferences")
    page.locator("main [name=locale]").select_option(tag)
    page.locator("main form[action$='/preferences'] button").click()
    expect(page.locator("html")).to_have_attribute("lang", tag)
    expect(page.locator(".bottom-bar")).to_contain_text(word)


def test_the_device_preview_lays_the_page_out_for_a_phone(page: Page) -> None:
    page.goto("/preferences")
    page.locator("main [name=device]").select_option("phone")
    page.locator("main form[action$='/preferences'] button").click()
    page.goto("/")
    width = page.locator(".frame").evaluate("frame => frame.clientWidth")
    assert width <= 390
    page.locator(".maker summary").click()
    expect(page.locator(".maker-body")).to_contain_text("phone")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 360), ("light", 1280)])
def test_no_view_has_an_accessibility_violation(browser: Browser, storefront_url: str, scheme: str, width: int) -> None:
    context = browser.new_context(
        base_url=storefront_url, viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    item = first_item(page)
    page.get_by_role("button", name="Add to basket", exact=True).first.click()
    expect(page.locator("[data-basket-count]")).to_have_text("1")
    page.goto("/")
    department = page.locator(".departments a").first.get_attribute("href")
    opened = {"item": item, "category": department, **{view: view for view in (*VIEWS, *CONSOLE_VIEWS)}}
    found = {}
    for name, path in opened.items():
        page.goto(path)
        page.locator(".maker").evaluate_all("all => all.forEach(one => { one.open = true; })")
        report = Axe().run(page).response["violations"]
        found |= {(name, one["id"]): [node["html"][:160] for node in one["nodes"][:3]] for one in report}
    page.goto("/")
    page.locator(".card-foot button").first.click()
    found |= {("why", one["id"]): one["help"] for one in Axe().run(page).response["violations"]}
    context.close()
    assert found == {}


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_shifts_and_nothing_overflows(browser: Browser, storefront_url: str, width: int) -> None:
    context = browser.new_context(base_url=storefront_url, viewport={"width": width, "height": 800})
    context.add_init_script(WATCH_SHIFTS)
    page = context.new_page()
    item = first_item(page)
    for path in ("/", item, "/search?q=a", "/console", *VIEWS):
        page.goto(path)
        through(page)
        assert page.evaluate("window.shifts") == 0, path
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, path
    context.close()


def test_the_shop_works_without_scripts(browser: Browser, storefront_url: str) -> None:
    context = browser.new_context(base_url=storefront_url, java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto("/")
    title = page.locator(".card .title").nth(1).inner_text()
    page.locator(".card .heart").nth(1).click()
    expect(page.locator(".notice")).to_contain_text("favourites")
    page.goto("/favourites")
    expect(page.locator(".card .title").first).to_have_text(title)
    page.goto("/")
    page.locator(".card-link").first.click()
    page.get_by_role("button", name="Add to basket", exact=True).first.click()
    expect(page.locator(".notice")).to_contain_text("basket")
    page.get_by_role("link", name=re.compile("^Basket")).click()
    page.get_by_role("button", name="Buy now").click()
    expect(page.locator("main")).to_contain_text("Thank you")
    context.close()


def test_the_keyboard_reaches_the_content_and_the_reason(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.hasAttribute('popovertarget')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".sheet:popover-open")).to_be_visible()


def test_impressions_are_sent_once_a_place(page: Page) -> None:
    with page.expect_request("**/seen") as sent:
        page.goto("/")
    body = json.loads(sent.value.post_data or "{}")
    assert len(body["seen"]) == len(set(body["seen"])) > 0
    response = sent.value.response()
    assert response is not None
    assert response.status == 204


def test_a_draft_rule_is_checked_field_by_field_and_previewed(page: Page) -> None:
    page.goto("/")
    brand = page.locator(".card .brand").first.inner_text()
    page.goto("/console/rule")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#rule_id-wrong")).to_be_visible()
    page.get_by_label("Name").fill("browser-test-rule")
    page.locator("[name=effect][value=exclude]").check()
    page.get_by_label("Brands", exact=True).fill(brand)
    page.get_by_role("button", name="Preview its effect").click()
    expect(page.locator("#effect-h")).to_contain_text("slots would change")


@pytest.mark.parametrize("user_id", ["degraded", "not-ready", "user_profile-away"])
def test_troubled_pages_are_designed_pages(context: BrowserContext, page: Page, made_up: bool, user_id: str) -> None:
    if not made_up:
        pytest.skip("only the shop window has users who meet trouble")
    sign_in(page, user_id)
    response = page.goto("/")
    assert response is not None
    if user_id == "not-ready":
        assert response.status == 503
        assert response.headers["retry-after"]
        expect(page.get_by_role("link", name="Try again")).to_be_visible()
        return
    assert response.status == 200
    assert page.locator(".card").count() > 0
    if user_id == "degraded":
        expect(page.locator(".notice")).to_contain_text("general selection")
    else:
        page.locator(".card-link").first.click()
        expect(page.locator(".item h1")).to_be_visible()
