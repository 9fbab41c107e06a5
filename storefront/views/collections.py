"""Collections that sections lead to: what is new, what is reduced, what a brand has."""

from starlette.responses import Response

from storefront.listing import Wanted, listing
from storefront.response import html
from storefront.views.category import limit_asked, next_limit
from storefront.visit import Visit

NEW_DAYS = 30


async def show_new(visit: Visit) -> Response:
    """What entered the shop lately."""
    return await _show(visit, visit.language.text("collection.new"), Wanted(maximum_age_days=NEW_DAYS), "new")


async def show_deals(visit: Visit) -> Response:
    """What is reduced."""
    return await _show(visit, visit.language.text("collection.deals"), Wanted(reduced_only=True), "deals")


async def show_brand(visit: Visit) -> Response:
    """What a brand has."""
    brand = visit.request.path_params["brand"]
    return await _show(visit, brand, Wanted(brand=brand), "brand")


async def _show(visit: Visit, heading: str, wanted: Wanted, section_id: str) -> Response:
    limit = limit_asked(visit.request.query_params.get("show", ""))
    found = await listing(visit, wanted.up_to(limit), section_id)
    return await html(
        visit, "collection.html", heading=heading, listing=found, next_limit=next_limit(limit), active=section_id
    )
