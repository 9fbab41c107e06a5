"""What visitors do to an item: keep it, like it, share it, hide it, put it in the basket. One form, one handler."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from storefront import remembered
from storefront.failures import RefusedError
from storefront.listing import items_of
from storefront.recording import event, record
from storefront.tickets import Ticket
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2


@dataclass(frozen=True)
class Doing:
    """One thing a form can ask for."""

    action: "common_pb2.Action.ValueType"
    undo: str = ""
    """What takes it back; empty when nothing does."""
    durable: bool = False
    """Whether it is nothing without its record; the rest the browser remembers too."""


DOINGS = {
    "favourite": Doing(common_pb2.ACTION_FAVOURITE, "unfavourite"),
    "unfavourite": Doing(common_pb2.ACTION_UNFAVOURITE, "favourite"),
    "like": Doing(common_pb2.ACTION_LIKE, "unlike"),
    "unlike": Doing(common_pb2.ACTION_UNLIKE, "like"),
    "share": Doing(common_pb2.ACTION_SHARE),
    "hide": Doing(common_pb2.ACTION_HIDE, "unhide", durable=True),
    "unhide": Doing(common_pb2.ACTION_UNHIDE, "hide", durable=True),
    "cart": Doing(common_pb2.ACTION_CART, "uncart"),
    "uncart": Doing(common_pb2.ACTION_UNCART, "cart"),
}


async def act(visit: Visit) -> Response:
    """Do what the form says, and say so: as JSON to the page's script, else on the page it came from."""
    name = visit.value("do")
    doing = DOINGS.get(name)
    if doing is None:
        raise RefusedError(400, f"nothing is called {name!r} here")
    ticket = visit.ticket(visit.value("ticket"))
    made = event(visit, doing.action, ticket)
    if name in ("cart", "uncart"):
        await _price(visit, made)
    failure = await record(visit, [made])
    done = failure is None or not doing.durable
    if done:
        _keep(visit, name, ticket)
    message = f"done.{name}" if done else "done.failed"
    if "application/json" in visit.request.headers.get("accept", ""):
        return JSONResponse(_told(visit, message, done, doing.undo), 200 if done else 503)
    details = {"undo": doing.undo, "ticket": visit.value("ticket")} if done and name != "unhide" else {}
    visit.notice(message, **details)
    return visit.back()


def _told(visit: Visit, message: str, done: bool, undo: str) -> dict[str, object]:
    return {
        "message": visit.language.text(message),
        "done": done,
        "undo": undo if done else "",
        "undo_label": visit.language.text("undo"),
        "basket_count": sum(visit.basket.values()),
        "saved_count": len(visit.saved("favourite")),
    }


def _keep(visit: Visit, name: str, ticket: Ticket) -> None:
    """Let the browser remember what was done."""
    kind = name.removeprefix("un")
    kept = name == kind
    if kind in ("favourite", "like"):
        visit.remember(kind, list(remembered.with_id(visit.saved(kind), ticket.item_id, kept)))
    elif kind == "cart":
        quantity = visit.basket.get(ticket.item_id, 0) + 1 if kept else 0
        visit.remember("basket", remembered.with_quantity(visit.basket, ticket.item_id, quantity))


async def _price(visit: Visit, made: user_profile_pb2.Event) -> None:
    """Put the price of now into a basket event. Raises: RefusedError (404) for an item that is gone."""
    item = (await items_of(visit, [made.item_id])).get(made.item_id)
    if item is None:
        raise RefusedError(404, "there is no such item")
    made.quantity = 1
    made.price.CopyFrom(item.price)
