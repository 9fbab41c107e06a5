"""What the tests of item_vision's contract ask again and again, in a line each."""

from tests.contract.item_vision.houses import House
from tests.model.item_vision.drawings import encoded, pixels
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

UNREADY = "r1"
RELATED, CROSS_SELL = pb.LINK_KIND_RELATED, pb.LINK_KIND_CROSS_SELL


def drawn(shape: str = "disc", colour: str = "red", seed: int = 1) -> pb.Picture:
    return pb.Picture(content=encoded(pixels(shape, colour, seed, 96)))


def item(item_id: str, *pictures: pb.Picture, **fields) -> pb.ItemInput:
    fields.setdefault("titles", {"en": f"Item {item_id}"})
    fields.setdefault("price", common_pb2.Money(amount_minor=1_000, currency="EUR"))
    fields.setdefault("stock", 5)
    return pb.ItemInput(item_id=item_id, images=pictures, **fields)


async def upsert(house: House, *items: pb.ItemInput, shop_id: str | None = None) -> pb.UpsertItemsResponse:
    request = pb.UpsertItemsRequest(shop_id=house.shop_id if shop_id is None else shop_id, items=items)
    return await house.catalogue.UpsertItems(iter([request]))


async def listed(house: House, **fields) -> list[pb.ItemFacts]:
    return list((await house.catalogue.ListItems(pb.ListItemsRequest(shop_id=house.shop_id, **fields))).items)


async def facts(house: House, item_id: str, **fields) -> pb.ItemFacts:
    (found,) = [each for each in await listed(house, **fields) if each.item_id == item_id]
    return found


async def got(house: House, *item_ids: str, **fields) -> pb.GetItemsResponse:
    return await house.catalogue.GetItems(pb.GetItemsRequest(shop_id=house.shop_id, item_ids=item_ids, **fields))


def watching(house: House, cursor: str = "", **fields):
    return house.catalogue.WatchItems(pb.WatchItemsRequest(shop_id=house.shop_id, cursor=cursor, **fields))


async def reconciled(house: House, *item_ids: str, **fields) -> pb.ReconcileItemsResponse:
    fields.setdefault("complete", True)
    request = pb.ReconcileItemsRequest(shop_id=house.shop_id, item_ids=item_ids, **fields)
    return await house.catalogue.ReconcileItems(iter([request]))


async def resolved(house: House, *variant_ids: str) -> list[str]:
    request = pb.ResolveVariantsRequest(shop_id=house.shop_id, variant_ids=variant_ids)
    return list((await house.catalogue.ResolveVariants(request)).item_ids)


async def put_links(house: House, item_id: str, *links: tuple[int, str], **fields) -> pb.PutLinksResponse:
    messages = [pb.ItemLink(kind=kind, item_id=linked) for kind, linked in links]
    entry = pb.ItemLinks(item_id=item_id, links=messages, **fields)
    request = pb.PutLinksRequest(shop_id=house.shop_id, items=[entry])
    return await house.catalogue.PutLinks(iter([request]))


def pairs(message: pb.ItemFacts | pb.Item) -> list[tuple[int, str]]:
    return [(link.kind, link.item_id) for link in message.links]


def similar(house: House, **fields):
    return house.vision.FindSimilarItems(pb.FindSimilarItemsRequest(shop_id=house.shop_id, **fields))


def image(house: House, item_id: str, **fields):
    return house.vision.GetImage(pb.GetImageRequest(shop_id=house.shop_id, item_id=item_id, **fields))
