"""Every answer of the application: escaping, headers, cookies, trouble, and the paths of shops."""


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


async def test_a_forged_cookie_is_a_new_visitor(client, services):
    client.cookies.set("vitrine_boutique_visitor", "AAAAAAAAAAAAAAAAAAAAAAAAeyJzZXNzaW9uX2lkIjoicy0xIn0")
    await client.get("/")
    assert services.pages[-1].visit.session_id.startswith("s-")
    assert services.pages[-1].visit.session_id != "s-1"


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


async def test_health_does_not_depend_on_services(client, services):
    services.down |= {"page_composer", "user_profile"}
    assert (await client.get("/healthz")).status_code == 200
