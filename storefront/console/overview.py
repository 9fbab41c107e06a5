"""What is in force: rules, campaigns, templates."""

import asyncio

from starlette.responses import Response

from storefront.console import drafts
from storefront.response import html
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2


async def show(visit: Visit) -> Response:
    """The three lists."""
    shop = visit.shop.shop_id
    stub = visit.upstreams.merchandising
    rules, campaigns, templates = await asyncio.gather(
        stub.ListRules(merchandising_pb2.ListRulesRequest(shop_id=shop)),
        stub.ListCampaigns(merchandising_pb2.ListCampaignsRequest(shop_id=shop)),
        stub.ListTemplates(merchandising_pb2.ListTemplatesRequest(shop_id=shop)),
    )
    return await html(
        visit,
        "console/overview.html",
        rules=rules.rules,
        campaigns=campaigns.campaigns,
        templates=templates.templates,
        summary=drafts.summary,
        audience=drafts.audience,
        filtered=drafts.filtered,
        state=lambda one: state(one, visit.now.timestamp()),
        device_name=device_name,
        active="console",
    )


def state(one: merchandising_pb2.Rule | merchandising_pb2.Campaign, now: float) -> str:
    """Whether a rule or campaign is "in force", "planned" or "over"; `now` in seconds since 1970."""
    if one.HasField("starts_at") and one.starts_at.seconds > now:
        return "planned"
    if one.HasField("ends_at") and one.ends_at.seconds <= now:
        return "over"
    return "in force"


def device_name(device: int) -> str:
    """Name of a device."""
    return common_pb2.Device.Name(device).removeprefix("DEVICE_").lower()  # type: ignore[arg-type]
