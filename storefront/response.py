"""Whole HTML pages: a template, and what every page of the shop shows around it."""

from typing import Any

from starlette.responses import HTMLResponse

from storefront.cards import CardMaker
from storefront.failures import Failure
from storefront.visit import Visit
from storefront.visitor import DEVICES, THEMES

RETRY_AFTER_SECONDS = "2"


async def html(visit: Visit, template: str, http_status: int = 200, **context: Any) -> HTMLResponse:
    """The template as a page of the shop. A notice is shown once."""
    notice = visit.recall("notice")
    if notice is not None:
        visit.remember("notice", None)
    around = {
        "visit": visit,
        "shop": visit.shop,
        "visitor": visit.visitor,
        "language": visit.language,
        "t": visit.language.text,
        "href": visit.href,
        "csrf": visit.premises.signer.form_token(visit.visitor.session_id),
        "here": own_address(visit),
        "departments": await visit.premises.departments.of(visit.shop.shop_id),
        "languages": visit.premises.languages.values(),
        "regions": visit.premises.settings.regions,
        "users": visit.premises.users,
        "console": visit.premises.settings.console_enabled,
        "devices": tuple(DEVICES),
        "themes": THEMES,
        "basket_count": sum(visit.basket.values()),
        "saved_count": len(visit.saved("favourite")),
        "notice": notice if isinstance(notice, dict) else None,
        "query": "",
        "active": "",
        "view": None,
    }
    body = visit.premises.renderer.render(template, {**around, **context})
    return HTMLResponse(body, http_status, headers={"cache-control": "no-store", "vary": "cookie"})


def own_address(visit: Visit) -> str:
    """Path and query of the page asked for; the front page for anything but a GET."""
    url = visit.request.url
    if visit.request.method != "GET":
        return visit.href("/")
    return url.path + (f"?{url.query}" if url.query else "")


def maker(visit: Visit) -> CardMaker:
    """The card maker of this visitor."""
    return CardMaker(
        visit.premises.signer,
        visit.shop.shop_id,
        visit.shop.prefix,
        frozenset(visit.saved("favourite")),
        frozenset(visit.saved("like")),
    )


async def failed(visit: Visit, status: int, detail: str = "", failure: Failure | None = None) -> HTMLResponse:
    """The designed page of an error."""
    response = await html(visit, "error.html", status, status=status, detail=detail, failure=failure)
    if status == 503:
        response.headers["retry-after"] = RETRY_AFTER_SECONDS
    return response
