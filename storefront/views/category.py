"""A category: its composed page, then everything in it."""

import grpc
from starlette.responses import Response

from storefront.composed import compose
from storefront.departments import find, levels
from storefront.failures import failure_of
from storefront.listing import Listing, Wanted, listing
from storefront.response import html
from storefront.visit import Visit

LIMITS = (24, 48, 96, 192, 384)


def limit_asked(text: str) -> int:
    """How many items to list: one of LIMITS, the first when something else is asked."""
    return int(text) if text.isdigit() and int(text) in LIMITS else LIMITS[0]


def next_limit(limit: int) -> int:
    """The next longer list; 0 when there is none."""
    longer = [one for one in LIMITS if one > limit]
    return longer[0] if longer else 0


async def show(visit: Visit) -> Response:
    """The category's page; the list below it is left out when it cannot be had."""
    path = visit.request.path_params["path"].strip("/")
    limit = limit_asked(visit.request.query_params.get("show", ""))
    view = await compose(visit, f"category:{path}")
    departments = await visit.premises.departments.of(visit.shop.shop_id)
    department = find(departments, path)
    rest: Listing | None = None
    try:
        rest = await listing(visit, Wanted(category=path, excluded=view.item_ids, limit=limit), f"category:{path}")
    except grpc.aio.AioRpcError as error:
        if failure_of(error).http_status == 400:
            raise
    return await html(
        visit,
        "category.html",
        view=view,
        path=path,
        department=department,
        crumbs=levels(path),
        listing=rest,
        next_limit=next_limit(limit),
        active=path.split("/", maxsplit=1)[0],
        rate=False,
    )
