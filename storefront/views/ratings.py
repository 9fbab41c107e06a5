"""How well a page suits, in the visitor's own words: one to five stars."""

from starlette.responses import JSONResponse, Response

from storefront.failures import RefusedError
from storefront.recording import event, record
from storefront.visit import Visit
from storefront.visitor import DEVICES
from vitrine.common.v1 import common_pb2

PAGE_ID_LIMIT = 128


async def rate(visit: Visit) -> Response:
    """Record a rating of the page."""
    page_id, rating = visit.value("page_id"), visit.value("rating")
    if not 1 <= len(page_id) <= PAGE_ID_LIMIT or not page_id.isprintable():
        raise RefusedError(400, "which page is rated is missing")
    if rating not in ("1", "2", "3", "4", "5"):
        raise RefusedError(400, "a rating is 1 to 5")
    made = event(visit, common_pb2.ACTION_RATE)
    made.rating = int(rating)
    made.placement.CopyFrom(common_pb2.Placement(page_id=page_id, device=DEVICES[visit.device]))
    failure = await record(visit, [made])
    message = "done.rate" if failure is None else "done.failed"
    if "application/json" in visit.request.headers.get("accept", ""):
        told = {"message": visit.language.text(message), "done": failure is None}
        return JSONResponse(told, 200 if failure is None else 503)
    visit.notice(message)
    return visit.back()
