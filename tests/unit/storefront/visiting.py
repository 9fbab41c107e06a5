"""A shop to visit: the services behind it, written by hand, and what a visitor's browser has to hold."""

import grpc
import httpx
from grpc.aio import AioRpcError, Metadata

from storefront import tickets
from storefront.signing import Signer
from storefront.tickets import Ticket
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.user_profile.v1 import user_profile_pb2

SECRET = "a secret of the tests"
HOSTILE = "<script>alert('title')</script>"


def failed(code: grpc.StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), "as told")


class Services:
    """Every service, as far as these tests ask it."""

    def __init__(self):
        self.events: list[user_profile_pb2.Event] = []
        self.pages: list[page_composer_pb2.ComposePageRequest] = []
        self.down: set[str] = set()
        self.image_calls = 0

    def check(self, name):
        if name in self.down:
            raise failed(grpc.StatusCode.UNAVAILABLE)

    async def RecordEvents(self, request, timeout=None):
        self.check("user_profile")
        self.events += request.events
        subject = request.events[-1].user_id or request.events[-1].session_id
        version = user_profile_pb2.SubjectVersion(subject_id=subject, profile_version=len(self.events))
        return user_profile_pb2.RecordEventsResponse(versions=[version])

    async def GetProfile(self, request, timeout=None):
        self.check("user_profile")
        return user_profile_pb2.GetProfileResponse(profile=user_profile_pb2.Profile(cart_item_ids=["item-9"]))

    async def ComposePage(self, request, timeout=None):
        self.check("page_composer")
        self.pages.append(request)
        slot = page_composer_pb2.Slot(
            item_id="item-1", title=HOSTILE, reason=HOSTILE, brand=HOSTILE, tracking_token="token-1"
        )
        slot.price.CopyFrom(common_pb2.Money(amount_minor=500, currency="EUR"))
        section = page_composer_pb2.Section(section_id="s:0", title=HOSTILE, reason=HOSTILE, slots=[slot])
        page = page_composer_pb2.Page(page_id=request.request_id, sections=[section])
        return page_composer_pb2.ComposePageResponse(page=page)

    async def GetItems(self, request, timeout=None):
        price = common_pb2.Money(amount_minor=500, currency="EUR")
        items = [
            item_vision_pb2.Item(item_id=item_id, title=HOSTILE, price=price, in_stock=True)
            for item_id in request.item_ids
            if item_id.startswith("item-")
        ]
        return item_vision_pb2.GetItemsResponse(items=items)

    async def ListItems(self, request, timeout=None):
        facts = item_vision_pb2.ItemFacts(item_id="item-1", category="Home/Mugs")
        return item_vision_pb2.ListItemsResponse(items=[facts])

    async def FindSimilarItems(self, request, timeout=None):
        raise failed(grpc.StatusCode.FAILED_PRECONDITION)

    async def GetImage(self, request, timeout=None):
        self.image_calls += 1
        if request.item_id == "svg":
            return item_vision_pb2.GetImageResponse(content=b"<svg/>", media_type="image/svg+xml", etag="e")
        if request.item_id != "item-1":
            raise failed(grpc.StatusCode.NOT_FOUND)
        return item_vision_pb2.GetImageResponse(content=b"jpeg", media_type="image/jpeg", etag="e1")


async def form_token(client: httpx.AsyncClient) -> str:
    """A form token of the client's session."""
    page = (await client.get("/preferences")).text
    return page.split('name="csrf" value="')[1].split('"')[0]


def seal(ticket: Ticket) -> str:
    return tickets.seal(ticket, Signer(SECRET))
