"""What the visitor marked as favourites."""

from starlette.responses import Response

from storefront.composed import compose_beside
from storefront.listing import hydrated
from storefront.response import html
from storefront.visit import Visit


async def show(visit: Visit) -> Response:
    """The favourites, newest first; suggestions when there are none."""
    cards = await hydrated(visit, visit.saved("favourite"), "favourites")
    view = None if cards else await compose_beside(visit, "home", 2)
    return await html(visit, "favourites.html", cards=cards, view=view, active="favourites")
