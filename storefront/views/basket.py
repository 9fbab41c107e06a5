"""The basket and its till. Nothing is paid here: buying is an event like any other."""

from collections import Counter
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from storefront import remembered, tickets
from storefront.cards import higher
from storefront.composed import compose_beside
from storefront.failures import RefusedError
from storefront.listing import items_of
from storefront.recording import event, record, trail
from storefront.response import failed, html
from storefront.tickets import Ticket
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2

BESIDE_LIMIT = 2


@dataclass(frozen=True)
class Line:
    """One item of the basket."""

    item: item_vision_pb2.Item
    quantity: int
    ticket: str

    @property
    def price_before(self) -> common_pb2.Money | None:
        """Price of one before its reduction, if it is reduced."""
        return higher(self.item.list_price, self.item.price)

    @property
    def total(self) -> common_pb2.Money:
        """Price of all of it."""
        return common_pb2.Money(
            amount_minor=self.item.price.amount_minor * self.quantity, currency=self.item.price.currency
        )


def totals(lines: list[Line]) -> list[common_pb2.Money]:
    """Sum for each currency, by currency; prices are not converted."""
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.total.currency] += line.total.amount_minor
    return [common_pb2.Money(amount_minor=sums[currency], currency=currency) for currency in sorted(sums)]


async def show(visit: Visit) -> Response:
    """What is in the basket, and what goes with it."""
    lines = await _lines(visit)
    view = await compose_beside(visit, "home", BESIDE_LIMIT)
    bought = visit.recall("bought")
    if bought is not None:
        visit.remember("bought", None)
    return await html(
        visit, "basket.html", lines=lines, totals=totals(lines), view=view, bought=bought, active="basket"
    )


async def change(visit: Visit) -> Response:
    """Set how many of an item; 0 takes it out."""
    ticket = visit.ticket(visit.value("ticket"))
    text = visit.value("quantity")
    if not text.isdigit() or int(text) > remembered.QUANTITY_LIMIT:
        raise RefusedError(400, f"a quantity is 0 to {remembered.QUANTITY_LIMIT}")
    before, wanted = visit.basket.get(ticket.item_id, 0), int(text)
    item = (await items_of(visit, [ticket.item_id])).get(ticket.item_id)
    if item is not None and wanted != before:
        action = common_pb2.ACTION_CART if wanted > before else common_pb2.ACTION_UNCART
        made = event(visit, action, ticket)
        made.quantity = abs(wanted - before)
        made.price.CopyFrom(item.price)
        await record(visit, [made])
    visit.remember("basket", remembered.with_quantity(visit.basket, ticket.item_id, wanted))
    return RedirectResponse(visit.href("/basket"), status_code=303)


async def buy(visit: Visit) -> Response:
    """Buy everything in the basket. Without its record nothing is bought: the basket stays, to try again."""
    lines = [line for line in await _lines(visit) if line.item.in_stock]
    events = []
    for line in lines:
        made = event(visit, common_pb2.ACTION_PURCHASE, visit.ticket(line.ticket))
        made.quantity = line.quantity
        made.price.CopyFrom(line.item.price)
        events.append(made)
    failure = await record(visit, events)
    if failure is not None:
        return await failed(visit, failure.http_status, failure=failure)
    if lines:
        visit.remember("basket", None)
        visit.remember("bought", sum(line.quantity for line in lines))
    return RedirectResponse(visit.href("/basket"), status_code=303)


async def _lines(visit: Visit) -> list[Line]:
    basket = visit.basket
    known = await items_of(visit, list(basket))
    tokens = trail(visit)
    return [
        Line(
            known[item_id],
            quantity,
            tickets.seal(Ticket(item_id, tokens.get(item_id, "")), visit.premises.signer),
        )
        for item_id, quantity in reversed(basket.items())
        if item_id in known
    ]
