"""item_vision and ranker of the shop window."""

import asyncio

import grpc
from refusals import refuse
from wares import CATEGORIES, COLOURS, WARES, drawn

from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2, item_vision_pb2_grpc
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc


def euros(amount_minor):
    return common_pb2.Money(amount_minor=amount_minor, currency="EUR")


def item_of(ware, locale, full=False):
    tag = locale.split("-")[0] if locale.split("-")[0] in ware.titles else "en"
    noun = CATEGORIES[ware.category][1].lower()
    item = item_vision_pb2.Item(
        item_id=ware.item_id,
        title=ware.titles[tag],
        title_locale=tag,
        price=euros(ware.price_minor),
        brand=ware.brand,
        category=ware.category,
        seller="Market hall",
        link=f"/items/{ware.item_id}",
        image_count=ware.image_count,
        image_etag=f"e{ware.rank}",
        in_stock=ware.stock > 0,
        stock=ware.stock,
        attributes={"colour": ware.colour, "material": "Linen and cotton", "care": "Wash cold, dry flat"},
    )
    if ware.list_price_minor:
        item.list_price.CopyFrom(euros(ware.list_price_minor))
    if full:
        item.descriptions["en"] = (
            f"A {ware.colour.lower()} {noun} by {ware.brand}, made to be used for years. <b>Not</b> bold.\n\n"
            "Woven in a small mill, cut generously, finished by hand."
        )
    return item


class Vision(item_vision_pb2_grpc.CatalogueServiceServicer, item_vision_pb2_grpc.ItemVisionServiceServicer):
    async def GetItems(self, request, context):
        known = [WARES[item_id] for item_id in request.item_ids if item_id in WARES]
        return item_vision_pb2.GetItemsResponse(
            items=[item_of(ware, request.locale, request.full) for ware in known],
            missing_item_ids=[item_id for item_id in request.item_ids if item_id not in WARES],
        )

    async def ListItems(self, request, context):
        return item_vision_pb2.ListItemsResponse(
            items=[item_vision_pb2.ItemFacts(item_id=ware.item_id, category=ware.category) for ware in WARES.values()]
        )

    async def FindSimilarItems(self, request, context):
        ware = WARES.get(request.item_id)
        if ware is None:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "ITEM_UNKNOWN", "no such item")
        if ware.image_count == 0:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "FEATURES_NOT_READY", "no picture features")
        alike = [other for other in WARES.values() if other.colour == ware.colour and other != ware]
        return item_vision_pb2.FindSimilarItemsResponse(
            items=[
                item_vision_pb2.SimilarItem(item_id=other.item_id, similarity=0.93 - place / 50)
                for place, other in enumerate(alike[: request.limit or 20])
            ]
        )

    async def GetImage(self, request, context):
        ware = WARES.get(request.item_id)
        if ware is None or request.index >= ware.image_count:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "IMAGE_UNKNOWN", "no picture here")
        content = await asyncio.to_thread(drawn, request.item_id, request.index, request.width or 640)
        return item_vision_pb2.GetImageResponse(
            content=content, media_type="image/jpeg", etag=f"e{ware.rank}-{request.index}"
        )


class Ranker(ranker_pb2_grpc.RankerServiceServicer):
    async def Recommend(self, request, context):
        pool = request.pools[0]
        wanted = [ware for ware in WARES.values() if fits(ware, pool.filter)]
        wanted.sort(key=lambda ware: -ware.rank)
        wanted = wanted[: pool.limit or 100]
        return ranker_pb2.RecommendResponse(
            item_ids=[ware.item_id for ware in wanted],
            p_click_if_seen=[0.01 * ware.rank for ware in wanted],
            pools=[ranker_pb2.FilledPool(pool_id=pool.pool_id, indexes=range(len(wanted)))],
        )


def fits(ware, wanted):
    text = " ".join([*ware.titles.values(), ware.brand, ware.category, ware.colour, *COLOURS[ware.colour]]).lower()
    return (
        all(word in text for word in wanted.query.lower().split())
        and (not wanted.categories or any(ware.category.startswith(path) for path in wanted.categories))
        and ware.item_id not in wanted.excluded_item_ids
        and (not wanted.reduced_only or ware.list_price_minor > 0)
        and (not wanted.HasField("minimum_price_minor") or ware.price_minor >= wanted.minimum_price_minor)
        and (not wanted.HasField("maximum_price_minor") or ware.price_minor <= wanted.maximum_price_minor)
    )
