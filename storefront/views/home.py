"""The front page."""

from starlette.responses import Response

from storefront.composed import compose
from storefront.response import html
from storefront.visit import Visit


async def show(visit: Visit) -> Response:
    """The composed page of this visitor."""
    return await html(visit, "home.html", view=await compose(visit), rate=True)
