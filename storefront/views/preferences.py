"""How the visitor wants to see the shop, and as whom."""

import dataclasses

import grpc
from starlette.responses import Response

from storefront.failures import RefusedError, failure_of
from storefront.remembered import with_id, with_quantity
from storefront.response import html
from storefront.visit import Visit
from storefront.visitor import DEVICES, THEMES, valid_user_id
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2


async def show(visit: Visit) -> Response:
    """The preferences as a page of their own."""
    return await html(visit, "preferences.html", active="preferences")


async def change(visit: Visit) -> Response:
    """Change what the form names; what it leaves out stays."""
    changes: dict[str, object] = {}
    allowed = {
        "locale": ("", *visit.premises.languages),
        "region": ("", *visit.premises.settings.regions),
        "device": ("", *DEVICES),
        "theme": THEMES,
    }
    for name, values in allowed.items():
        if name in visit.form:
            if visit.value(name) not in values:
                raise RefusedError(400, f"{name} cannot be {visit.value(name)!r}")
            changes[name] = visit.value(name)
    if "explained" in visit.form:
        changes["explained"] = visit.value("explained") == "1"
    visit.become(dataclasses.replace(visit.visitor, **changes))  # type: ignore[arg-type]
    return visit.back()


async def sign_in(visit: Visit) -> Response:
    """Go on as a user of the shop, typed or chosen; empty means an anonymous session."""
    user_id = visit.value("user_id") or visit.value("other_user_id")
    if user_id and not valid_user_id(user_id):
        raise RefusedError(400, "a user id is 1 to 128 printable characters")
    before = visit.visitor
    visit.become(before.signed_in(user_id) if user_id else before.signed_out())
    if before.user_id or not user_id:
        for name in ("basket", "favourite", "like", "trail", "version"):
            visit.remember(name, None)
    if user_id:
        await _restore(visit)
    visit.notice("done.signed_in" if user_id else "done.signed_out", name=user_id)
    return visit.back()


async def _restore(visit: Visit) -> None:
    """Bring back the user's basket, favourites and consent, as their profile knows them; nothing when it is away."""
    request = user_profile_pb2.GetProfileRequest(
        shop_id=visit.shop.shop_id, visit=visit.context(), recent_action_limit=200
    )
    try:
        answer = await visit.upstreams.profiles.GetProfile(request)
    except grpc.aio.AioRpcError as error:
        if failure_of(error).http_status == 400:
            raise
        return
    profile = answer.profile
    refused = profile.anonymous_reason == user_profile_pb2.ANONYMOUS_REASON_REFUSED
    visit.become(dataclasses.replace(visit.visitor, opted_out=refused))
    basket = visit.basket
    for item_id in reversed(profile.cart_item_ids):
        basket = with_quantity(basket, item_id, basket.get(item_id, 1))
    visit.remember("basket", basket)
    for kind, did, undid in (
        ("favourite", common_pb2.ACTION_FAVOURITE, common_pb2.ACTION_UNFAVOURITE),
        ("like", common_pb2.ACTION_LIKE, common_pb2.ACTION_UNLIKE),
    ):
        kept = visit.saved(kind)
        for action in reversed(profile.recent_actions):
            if action.action in (did, undid):
                kept = with_id(kept, action.item_id, action.action == did)
        visit.remember(kind, list(kept))
