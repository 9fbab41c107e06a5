"""Search. What is searched for is an event, so that the next page knows."""

from babel.numbers import get_currency_precision
from starlette.responses import RedirectResponse, Response

from storefront.composed import compose_beside
from storefront.listing import Listing, Wanted, listing
from storefront.recording import event, record
from storefront.response import html
from storefront.views.category import limit_asked, next_limit
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2

QUERY_LIMIT = 500
SUGGESTED_SECTIONS = 2


async def show(visit: Visit) -> Response:
    """Results for a query; suggestions when nothing is asked or found."""
    asked = visit.request.query_params
    query = " ".join(asked.get("q", "").split())[:QUERY_LIMIT]
    if asked.get("q", "") and not query:
        return RedirectResponse(visit.href("/search"), status_code=303)
    limit = limit_asked(asked.get("show", ""))
    currency = visit.premises.settings.currency
    found: Listing | None = None
    if query:
        if "show" not in asked:
            made = event(visit, common_pb2.ACTION_SEARCH)
            made.query = query
            await record(visit, [made])
        wanted = Wanted(
            query=query,
            reduced_only=asked.get("reduced", "") == "1",
            minimum_price_minor=price_minor(asked.get("from", ""), currency),
            maximum_price_minor=price_minor(asked.get("to", ""), currency),
            limit=limit,
        )
        found = await listing(visit, wanted, "search")
    suggested = None
    if found is None or not found.cards:
        suggested = await compose_beside(visit, "home", SUGGESTED_SECTIONS)
    return await html(
        visit,
        "search.html",
        query=query,
        listing=found,
        asked=asked,
        next_limit=next_limit(limit),
        suggested=suggested,
    )


def price_minor(text: str, currency: str) -> int | None:
    """A price typed into a filter, in the currency's minor units; None when it is not a price."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return round(value * 10 ** get_currency_precision(currency)) if 0 <= value < 1e9 else None
