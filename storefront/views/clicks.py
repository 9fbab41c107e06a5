"""The click link: records the click, then leads on. Where to is in the signed ticket, never in the address."""

from starlette.responses import RedirectResponse, Response

from storefront import remembered, tickets
from storefront.recording import event, record, trail
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2


async def follow(visit: Visit) -> Response:
    """Follow a ticket. A click that cannot be recorded still leads on."""
    ticket = visit.ticket(visit.request.query_params.get("to", ""))
    if visit.request.headers.get("sec-purpose") is None:
        await record(visit, [event(visit, common_pb2.ACTION_CLICK, ticket)])
        if ticket.token and not ticket.destination:
            visit.remember("trail", remembered.with_step(trail(visit), ticket.item_id, ticket.token))
    destination = ticket.destination or tickets.item_path(ticket.item_id)
    response = RedirectResponse(visit.href(tickets.safe_destination(destination) or "/"), status_code=303)
    response.headers["cache-control"] = "no-store"
    return response
