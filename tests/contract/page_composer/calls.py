"""What the tests of page_composer's contracts ask again and again, in a line each."""

import asyncio

import grpc

from tests.contract.page_composer.houses import House
from tests.fakes.page_composer import NOW_S
from tests.small_shop import small_items
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb
from vitrine.user_profile.v1 import user_profile_pb2

FAMILY_OF = {item.item_id: item.family_id for item in small_items()}
ENOUGH_PAGES = 100
"""What a page shows by chance, drawn from shop and request, is on one of so many."""
SHOP_NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "SHOP_NOT_READY")
TEMPLATE_UNKNOWN = (grpc.StatusCode.NOT_FOUND, "TEMPLATE_UNKNOWN")


def ada() -> user_profile_pb2.Profile:
    """A visitor who viewed, marked, carted and bought, and agreed to everything."""
    profile = user_profile_pb2.Profile(profile_version=7, cart_item_ids=["item-012"], seen_item_ids=["item-004"])
    done = [("VIEW", 4), ("CLICK", 8), ("CART", 12), ("FAVOURITE", 16), ("PURCHASE", 5), ("VIEW", 21)]
    for hours, (action, number) in enumerate(done, start=1):
        recent = profile.recent_actions.add(action=f"ACTION_{action}", item_id=f"item-{number:03}")
        recent.occurred_at.FromSeconds(int(NOW_S) - 3_600 * hours)
    profile.affinities.add(facet="brand", value="Aster", weight=0.5)
    profile.affinities.add(facet="category", value="Women/Dresses", weight=0.6)
    for purpose in (1, 2, 3):
        profile.consents.add(purpose=purpose, granted=True)
    return profile


def visit(user_id: str = "ada", **fields) -> common_pb2.VisitContext:
    return common_pb2.VisitContext(user_id=user_id, **{"region": "DE", **fields})


async def compose(house: House, request_id: str = "page-1", **fields) -> pb.Page:
    fields.setdefault("visit", visit())
    asked = pb.ComposePageRequest(shop_id=house.shop_id, request_id=request_id, **fields)
    return (await house.pages.ComposePage(asked, timeout=20)).page


async def export(house: House, at_least: int, **fields) -> list[pb.LoggedPage]:
    """The log, once it holds so many pages."""
    async with asyncio.timeout(20):
        while True:
            asked = pb.ExportPagesRequest(shop_id=house.shop_id, composed_before=moment(NOW_S + 60), **fields)
            pages = [page async for answer in house.pages.ExportPages(asked) for page in answer.pages]
            if len(pages) >= at_least:
                return pages


def moment(at_s: float) -> common_pb2.google_dot_protobuf_dot_timestamp__pb2.Timestamp:
    stamp = common_pb2.google_dot_protobuf_dot_timestamp__pb2.Timestamp()
    stamp.FromNanoseconds(int(at_s * 1e9))
    return stamp


def slots(page: pb.Page) -> list[pb.Slot]:
    return [slot for section in page.sections for slot in section.slots]
