"""An item's own page."""

import asyncio

from starlette.responses import Response

from storefront import tickets
from storefront.cards import higher
from storefront.composed import compose_beside
from storefront.departments import levels
from storefront.failures import RefusedError
from storefront.listing import SIMILAR_SHOWN, items_of, similar_looks
from storefront.recording import event, record, trail
from storefront.response import html
from storefront.tickets import Ticket
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2

BESIDE_LIMIT = 4


async def show(visit: Visit) -> Response:
    """The item with what looks alike and what goes with it. Opening it is a view."""
    item_id = visit.request.path_params["item_id"]
    item = (await items_of(visit, [item_id], full=True)).get(item_id)
    if item is None:
        raise RefusedError(404, "there is no such item")
    if visit.request.headers.get("sec-purpose") is None:
        await record(visit, [event(visit, common_pb2.ACTION_VIEW, item_id=item_id)])
    similar, view = await asyncio.gather(
        similar_looks(visit, item_id), compose_beside(visit, f"item:{item_id}", BESIDE_LIMIT)
    )
    shown = {item_id} | (set(view.item_ids) if view else set())
    looks = tuple(card for card in similar if card.item_id not in shown)
    return await html(
        visit,
        "item.html",
        item=item,
        price_before=higher(item.list_price, item.price),
        description=description_of(dict(item.descriptions), visit.language.tag),
        similar=looks if len(looks) >= SIMILAR_SHOWN else (),
        view=view,
        outside_link=_outside(item.link),
        ticket=tickets.seal(Ticket(item_id, trail(visit).get(item_id, "")), visit.premises.signer),
        favourite=item_id in visit.saved("favourite"),
        liked=item_id in visit.saved("like"),
        crumbs=levels(item.category),
        picture_index=_picture_index(visit.request.query_params.get("picture", ""), item.image_count),
        active=item.category.split("/", maxsplit=1)[0],
    )


def description_of(descriptions: dict[str, str], tag: str) -> tuple[str, str]:
    """Language and text of the description: the language asked for, English, or whatever there is."""
    for wanted in (tag, "en", *sorted(descriptions)):
        if descriptions.get(wanted):
            return wanted, descriptions[wanted]
    return "", ""


def _outside(link: str) -> str:
    """The item's page in the shop's own web site, where it has one."""
    return link if tickets.safe_destination(link).startswith("http") else ""


def _picture_index(text: str, image_count: int) -> int:
    return int(text) if text.isdigit() and int(text) < image_count else 0
